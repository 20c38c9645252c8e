#include "plugins/sdk/package/receive_artifacts.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>

#include "protocol/archive/archive.h"
#include "protocol/base/categories.h"
#include "protocol/base/replacing_directory.h"
#include "protocol/base/replacing_file.h"
#include "protocol/http/retry.h"
#include "protocol/model/artifact.h"

namespace osiris::sdk {
namespace {

namespace fs = std::filesystem;

// A file being received beside its target. It takes its place as a writer on this machine puts one there
// (ReplacingFile); what stands in its way is the step's failure, as it is in a local run.
class IncomingFile {
 public:
  IncomingFile(rpc::PackedFile file, fs::path target) : file_(std::move(file)), replacing_(std::move(target)) {}

  Status open() { return as_of_the_step(replacing_.open(true)); }
  Status write(std::string_view bytes) { return as_of_the_step(replacing_.write(bytes)); }

  Status close(const FileDigest& digest, const Service& service) {
    if (digest.sha256 != file_.sha256 || digest.size_bytes != file_.size_bytes)
      return service.failure(FailureClass::kNetworkError,
                             file_.path + " arrived damaged: its SHA-256 is not the one the worker declared",
                             "Run again.");
    OSIRIS_TRY(as_of_the_step(replacing_.close()));
    complete_ = true;
    return {};
  }

  bool complete() const { return complete_; }
  const rpc::PackedFile& file() const { return file_; }
  const fs::path& target() const { return replacing_.target(); }

  Status check_target() const { return as_of_the_step(replacing_.check_target()); }
  Status put_in_place() { return as_of_the_step(replacing_.commit()); }

 private:
  Status as_of_the_step(const Status& status) const {
    if (status) return {};
    if (file_.kind == "output") return output_failure(file_.step_id, status.error());
    Error error = status.error();
    if (!error.detail.is_object()) error.detail = Json::object();
    error.detail.set(kOfHost, true);
    return error;
  }

  const rpc::PackedFile file_;
  ReplacingFile replacing_;
  bool complete_ = false;
};

// A directory of outputs that is filled beside its place.
struct IncomingDirectory {
  const PlanFile& planned;
  std::string step_id;
  std::unique_ptr<ReplacingDirectory> replacing;
};

struct Expected {
  std::map<uint32_t, std::unique_ptr<IncomingFile>> files;
  std::vector<IncomingDirectory> directories;  // that some of them go into
};

// Where a file goes that the plan knows only by its directory, which is opened for the first of them. Empty: nowhere.
Result<fs::path> place_in_directory(const RunRequest& request, const rpc::PackedFile& file, Expected& expected) {
  for (const PlanStep& step : request.steps()) {
    if (step.id != file.step_id) continue;
    for (const PlanFile& output : step.outputs) {
      const std::string rest = path_in_directory(output, file.path);
      if (rest.empty()) continue;
      const auto known = std::find_if(expected.directories.begin(), expected.directories.end(),
                                      [&](const IncomingDirectory& each) { return &each.planned == &output; });
      if (known != expected.directories.end()) return known->replacing->staging() / rest;
      auto replacing = std::make_unique<ReplacingDirectory>(output.location);
      if (const Status opened = replacing->open(true); !opened) return output_failure(step.id, opened.error());
      const fs::path place = replacing->staging() / rest;
      expected.directories.push_back({output, step.id, std::move(replacing)});
      return place;
    }
  }
  return fs::path();
}

// "artifacts/<anything below>", without a way out.
bool is_session_path(const fs::path& path) {
  if (path.is_absolute() || path.string() != path.lexically_normal().string() || path.empty() ||
      *path.begin() != "artifacts")
    return false;
  for (const fs::path& part : path)
    if (part == ".." || part.empty()) return false;
  return true;
}

// The step whose kept rows the file is; they have a bound of their own. Null: it is another file.
const PlanStep* step_that_keeps(const RunRequest& request, const std::string& path) {
  for (const PlanStep& step : request.steps())
    if (step.kept.use == StepUse::kKeep && path == kept_file_path(step.id)) return &step;
  return nullptr;
}

Error too_much_left(uint64_t bytes_max, std::string_view noun) {
  return {Code::kExhausted,
          "the steps have left more than " + std::to_string(bytes_max) + " bytes below artifacts/, the most that a " +
              std::string(noun) + " brings back of what is no output",
          "Write large files by a writer: outputs have no such limit.", category::kWriteFailed};
}

Result<Expected> expect(const Service& service, const rpc::Packed& packed, const RunRequest& request,
                        const ReceiveLimits& limits) {
  std::map<std::pair<std::string, std::string>, std::string> targets;
  for (const PlanStep& step : request.steps())
    for (const PlanFile& output : step.outputs)
      if (!output.is_directory) targets[{step.id, output.path}] = output.location;
  const auto bad = [&](const std::string& what) {
    return service.failure(
        FailureClass::kSandboxError,
        "the " + std::string(service.noun()) + " offers an artifact that this run cannot have written: " + what,
        "Do not trust the " + std::string(service.noun()) + "'s service; report it.");
  };
  Expected expected;
  uint64_t session_bytes = 0;
  for (const rpc::PackedFile& file : packed.files) {
    fs::path target;
    if (file.kind == "output") {
      const auto found = targets.find({file.step_id, file.path});
      if (found != targets.end()) {
        target = found->second;
      } else {
        OSIRIS_ASSIGN(target, place_in_directory(request, file, expected));
        if (target.empty()) return bad(file.step_id + ": " + file.path);
      }
    } else {
      if (!is_session_path(file.path)) return bad(file.path);
      if (const PlanStep* step = step_that_keeps(request, file.path)) {
        if (step->kept.bytes_max > 0 && file.size_bytes > step->kept.bytes_max)
          return bad(file.path + ", larger than what may be kept");
      } else {
        session_bytes += file.size_bytes;
        if (file.size_bytes > limits.session_bytes_max || session_bytes > limits.session_bytes_max)
          return too_much_left(limits.session_bytes_max, service.noun());
      }
      target = request.session_dir / file.path;
    }
    if (!expected.files.emplace(file.number, std::make_unique<IncomingFile>(file, std::move(target))).second)
      return bad("number " + std::to_string(file.number) + " twice");
  }
  return expected;
}

// Where a file is once its directory has been put in its place.
fs::path final_place(const Expected& expected, const IncomingFile& incoming) {
  for (const IncomingDirectory& each : expected.directories)
    if (each.step_id == incoming.file().step_id)
      if (const std::string rest = path_in_directory(each.planned, incoming.file().path); !rest.empty())
        return each.replacing->target() / rest;
  return incoming.target();
}

// The archive's bytes, over as many downloads as it takes.
class Download {
 public:
  Download(const ArtifactSource& source, Milliseconds budget) : source_(source), policy_{.budget = budget} {}

  Result<std::string> next() {
    const Service& service = source_.service;
    Milliseconds spent{0};  // without a byte
    for (int attempt = 1;; ++attempt) {
      const auto started = std::chrono::steady_clock::now();
      auto bytes = try_next();
      if (bytes) {
        received_ += bytes->size();
        return bytes;
      }
      spent += std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - started);
      stream_.reset();
      ++tries_;
      const Error& error = bytes.error();
      // The silence that came before the first break is not counted against what follows it.
      if (attempt == 1) spent = Milliseconds(0);
      const Milliseconds left = policy_.budget - spent, asked = retry_after_of(error);
      if (!service.may_pass(error) || left.count() <= 0 || asked > left) return service.after_attempts(error, tries_);
      const Milliseconds pause = std::min(left, std::max(asked, http::backoff(policy_, attempt)));
      if (!source_.sleep(pause)) return service.after_attempts(error, tries_);
      spent += pause;
    }
  }

  uint64_t received() const { return received_; }

 private:
  // In slices, so that a cancel is heard while nothing comes.
  Result<std::string> try_next() {
    if (!stream_) stream_ = source_.open(received_);
    for (;;) {
      auto bytes = stream_->read(Milliseconds(200));
      if (bytes) return bytes;
      if (source_.cancelled) return Error(Code::kCancelled, "the run was cancelled while its artifacts came back");
      if (bytes.error().code != Code::kDeadline || !bytes.error().category.empty()) return bytes;
    }
  }

  const ArtifactSource& source_;
  const http::RetryPolicy policy_;
  std::unique_ptr<ByteStream> stream_;
  uint64_t received_ = 0;
  int tries_ = 0;  // that failed
};

}  // namespace

Error output_failure(const std::string& step_id, const Error& error) {
  return Error(Code::kStepFailed, "step " + step_id + ": " + error.message, error.hint, error.category);
}

Status check_outputs(const RunRequest& request) {
  for (const PlanStep& step : request.steps())
    for (const PlanFile& output : step.outputs) {
      const Status writable =
          output.is_directory ? check_replaceable(output.location, true) : check_writable(output.location, true);
      if (!writable) return output_failure(step.id, writable.error());
    }
  return {};
}

Result<Received> receive_artifacts(const ArtifactSource& source, const rpc::Packed& packed, const RunRequest& request,
                                   const ReceiveLimits& limits) {
  Received received;
  if (packed.files.empty()) {
    if (source.verified) OSIRIS_TRY(source.verified());
    return received;
  }
  const Service& service = source.service;
  OSIRIS_ASSIGN(Expected expected, expect(service, packed, request, limits));
  Download download(source, limits.retry_budget);
  const Status read = archive::read(
      [&] { return download.next(); }, {},
      [&](uint32_t number, uint64_t size) -> Result<archive::MemberSink> {
        const auto found = expected.files.find(number);
        if (found == expected.files.end() || found->second->file().size_bytes != size)
          return Error(Code::kInvalidArgument,
                       "the archive of artifacts holds member " + std::to_string(number) + ", which was not announced");
        IncomingFile& incoming = *found->second;
        OSIRIS_TRY(incoming.open());
        return archive::MemberSink([&incoming](std::string_view bytes) { return incoming.write(bytes); });
      },
      [&](uint32_t number, const FileDigest& digest) { return expected.files.at(number)->close(digest, service); });
  if (!read) {
    if (read.error().code != Code::kInvalidArgument || !read.error().category.empty()) return read.error();
    return service.failure(FailureClass::kNetworkError,
                           "the archive of artifacts arrived damaged: " + read.error().message, "Run again.");
  }
  for (const auto& [number, incoming] : expected.files)
    if (!incoming->complete())
      return service.failure(FailureClass::kNetworkError,
                             incoming->file().path + " did not arrive: the archive of artifacts is cut short",
                             "Run again.");
  for (const auto& [number, incoming] : expected.files) OSIRIS_TRY(incoming->check_target());
  for (const IncomingDirectory& each : expected.directories)
    if (const Status free = each.replacing->check_target(); !free) return output_failure(each.step_id, free.error());
  if (source.verified) OSIRIS_TRY(source.verified());
  for (const auto& [number, incoming] : expected.files) {
    OSIRIS_TRY(incoming->put_in_place());
    received.bytes += incoming->file().size_bytes;
    if (incoming->file().kind != "output") continue;
    Artifact artifact;
    artifact.path = incoming->file().path;
    artifact.target = final_place(expected, *incoming).string();
    artifact.size_bytes = incoming->file().size_bytes;
    artifact.sha256 = incoming->file().sha256;
    artifact.step_id = incoming->file().step_id;
    received.outputs.push_back(std::move(artifact));
  }
  for (const IncomingDirectory& each : expected.directories)
    if (const Status placed = each.replacing->commit(); !placed) return output_failure(each.step_id, placed.error());
  received.files = expected.files.size();
  received.bytes_on_the_wire = download.received();
  return received;
}

}  // namespace osiris::sdk
