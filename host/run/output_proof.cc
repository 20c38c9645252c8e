#include "host/run/output_proof.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <optional>
#include <set>

#include "host/run/output_hashes.h"
#include "protocol/base/categories.h"
#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/file_pattern.h"
#include "protocol/base/sha256.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr size_t kNamedMax = 5;

using Doubts = std::function<void(const std::string& step_id, const std::string& path, const std::string& reason)>;

std::string described(uint64_t size_bytes, const std::string& sha256) {
  return std::to_string(size_bytes) + " bytes with SHA-256 " + (sha256.empty() ? "(none)" : sha256);
}

const WrittenOutput* seen_written(const std::vector<StepState>& steps, const PlannedOutput& output) {
  for (const StepState& step : steps) {
    if (step.plan.id != output.step_id) continue;
    const auto found = step.outputs.find(output.path);
    return found == step.outputs.end() ? nullptr : &found->second;
  }
  return nullptr;
}

// Neither follows a link nor waits for the other end of a pipe.
std::optional<std::string> differs_on_disk(const fs::path& target, const WrittenOutput& written, OutputHashes* hashes) {
  struct stat info{};
  const FileDescriptor file(::open(target.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!file.is_open()) {
    const int number = errno;
    if (number == ENOENT) return "nothing is at " + target.string();
    if (number == ELOOP) return target.string() + " is a symbolic link";
    return target.string() + " cannot be read: " + std::strerror(number);
  }
  if (::fstat(file.get(), &info) != 0) return target.string() + " cannot be read: " + std::strerror(errno);
  if (!S_ISREG(info.st_mode)) return target.string() + " is not a regular file";
  const auto size_bytes = static_cast<uint64_t>(info.st_size);
  if (size_bytes != written.size_bytes)
    return target.string() + " has " + std::to_string(size_bytes) + " bytes instead of " +
           std::to_string(written.size_bytes);
  const auto known = hashes ? hashes->of(target, info) : std::nullopt;
  const Result<FileDigest> digest = known ? *known : sha256_descriptor(file.get(), target);
  if (!digest) return digest.error().message;
  if (digest->size_bytes != written.size_bytes || digest->sha256 != written.sha256)
    return target.string() + " has " + described(digest->size_bytes, digest->sha256) + " instead of " +
           described(written.size_bytes, written.sha256);
  return std::nullopt;
}

// Why this output is not proved; nullopt: it is.
std::optional<std::string> doubt(const PlannedOutput& output, const std::vector<StepState>& steps,
                                 const std::vector<Artifact>& reported, OutputHashes* hashes) {
  const WrittenOutput* written = seen_written(steps, output);
  if (!written) return "its step was never seen to write it";
  bool is_reported = false;
  for (const Artifact& file : reported) {
    if (file.step_id != output.step_id || file.path != output.path) continue;
    is_reported = true;
    if (fs::path(file.target).lexically_normal() != output.target.lexically_normal())
      return "the adapter says it is at " + file.target + ", the pipeline says " + output.target.string();
    if (file.size_bytes != written->size_bytes || file.sha256 != written->sha256)
      return "the adapter reports " + described(file.size_bytes, file.sha256) + ", its step wrote " +
             described(written->size_bytes, written->sha256);
  }
  if (!is_reported) return "the adapter does not report it";
  return differs_on_disk(output.target, *written, hashes);
}

bool is_planned(const std::vector<PlannedOutput>& planned, const Artifact& file) {
  return std::any_of(planned.begin(), planned.end(), [&](const PlannedOutput& output) {
    return output.step_id == file.step_id && output.path == file.path;
  });
}

// Each directory as the files that its step was seen to write into it; `doubts` gets what is in it beside them.
std::vector<PlannedOutput> with_files(const std::vector<PlannedOutput>& planned, const std::vector<StepState>& steps,
                                      const Doubts& doubts) {
  std::vector<PlannedOutput> files;
  for (const PlannedOutput& output : planned) {
    if (!output.is_directory) {
      files.push_back(output);
      continue;
    }
    const PlanFile directory{output.path, output.target.string(), {}, true};
    std::set<fs::path> own;
    for (const StepState& step : steps) {
      if (step.plan.id != output.step_id) continue;
      for (const auto& [path, written] : step.outputs) {
        const std::string rest = path_in_directory(directory, path);
        if (rest.empty()) continue;
        files.push_back({output.step_id, path, output.target / rest, false});
        own.insert((output.target / rest).lexically_normal());
      }
    }
    if (own.empty()) doubts(output.step_id, output.path, "its step was never seen to write into it");
    const auto there = files_below(output.target);
    if (!there.ok()) {
      doubts(output.step_id, output.path, there.error().message);
      continue;
    }
    for (const fs::path& file : *there)
      if (!own.contains(file.lexically_normal()))
        doubts(output.step_id, output.path, "it holds " + file.string() + ", which its step did not write");
  }
  return files;
}

}  // namespace

std::vector<PlannedOutput> planned_outputs(const Plan& plan) {
  std::vector<PlannedOutput> outputs;
  for (const PlanStep& step : plan.steps)
    for (const PlanFile& output : step.outputs)
      outputs.push_back({step.id, output.path, output.location, output.is_directory});
  return outputs;
}

Status prove_outputs(const std::vector<PlannedOutput>& outputs, const std::vector<StepState>& steps,
                     const std::vector<Artifact>& reported, OutputHashes* hashes) {
  size_t unproved = 0;
  std::string reasons;
  const auto name = [&](const std::string& step_id, const std::string& path, const std::string& reason) {
    if (++unproved <= kNamedMax)
      reasons += (reasons.empty() ? ": " : "; ") + path + " of step " + step_id + ": " + reason;
  };
  const std::vector<PlannedOutput> planned = with_files(outputs, steps, name);
  for (const PlannedOutput& output : planned)
    if (const auto reason = doubt(output, steps, reported, hashes)) name(output.step_id, output.path, *reason);
  for (const Artifact& file : reported)
    if (!is_planned(planned, file))
      name(file.step_id, file.path, "the adapter reports it, the pipeline does not write it");
  if (unproved == 0) return {};
  if (unproved > kNamedMax) reasons += "; and " + std::to_string(unproved - kNamedMax) + " more";
  return Error(Code::kInternal,
               "every step completed, but " + std::to_string(unproved) +
                   (unproved == 1 ? " output is" : " outputs are") + " not what the pipeline says" + reasons,
               "Run again. If nothing else writes these files, report it with the session's directory.",
               category::kWriteFailed);
}

}  // namespace osiris
