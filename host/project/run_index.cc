#include "host/project/run_index.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <unordered_map>

#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/file_lock.h"
#include "protocol/base/text.h"
#include "protocol/base/update_file.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr off_t kTailBytes = off_t{64} << 10;  // some forty runs

Status append_line(const fs::path& file, const std::string& line, bool durable) {
  OSIRIS_TRY(make_directories(file.parent_path()));
  OSIRIS_ASSIGN(LineFile lines, LineFile::open(file));
  OSIRIS_TRY(lines.append(line));
  return durable ? lines.sync() : Status();
}

Status write_pointer(const fs::path& file, const LatestPointer& pointer) {
  OSIRIS_TRY(make_directories(file.parent_path()));
  return update_file_atomically(file,
                                pointer.path.string() + "\n" + pointer.manifest_hash + "\n" + pointer.profile + "\n");
}

Result<LatestPointer> read_pointer(const fs::path& file) {
  OSIRIS_ASSIGN(const std::string text, read_file(file, 64u << 10));
  const auto lines = split(text, '\n');
  LatestPointer pointer;
  pointer.path = std::string(trim(lines[0]));
  if (lines.size() > 1) pointer.manifest_hash = trim(lines[1]);
  if (lines.size() > 2) pointer.profile = trim(lines[2]);
  if (pointer.path.empty())
    return Error(Code::kInvalidArgument, "The pointer file " + file.string() + " is empty",
                 "compile the pipeline again");
  return pointer;
}

bool is_pure_hex(std::string_view text) { return is_hex(text); }

// In the order of their first lines.
struct Runs {
  std::vector<RunRecord> records;
  std::vector<bool> has_begun;  // the first line is that of a run that begins
};

Runs runs_in(std::string_view text) {
  Runs runs;
  std::unordered_map<std::string, size_t> position;
  for (size_t at = 0, end; (end = text.find('\n', at)) != std::string_view::npos; at = end + 1) {
    const auto json = parse_json(text.substr(at, end - at));
    if (!json.ok() || !json->is_object()) continue;
    RunRecord record = RunRecord::from_json(*json);
    const auto [known, is_new] = position.try_emplace(record.run_id, runs.records.size());
    if (is_new) {
      runs.has_begun.push_back(record.status == "running");
      runs.records.push_back(std::move(record));
    } else {
      runs.records[known->second] = std::move(record);
    }
  }
  return runs;
}

// A pipeline's id as a file name.
std::string file_name_of(std::string_view pipeline_id) {
  std::string name(pipeline_id);
  for (char& c : name)
    if (c == '/' || static_cast<unsigned char>(c) < 0x20) c = '_';
  if (name.empty() || name == "." || name == "..") name = "_";
  return name.substr(0, 200);
}

}  // namespace

Json RunRecord::to_json() const {
  Json json = Json::object({{"run_id", run_id},
                            {"pipeline_slug", pipeline_slug},
                            {"profile", profile},
                            {"manifest_hash", manifest_hash},
                            {"manifest_short", manifest_short},
                            {"run_ts", run_ts},
                            {"status", status},
                            {"duration_ms", duration_ms},
                            {"run_logs_path", run_logs_path},
                            {"aiop_path", aiop_path},
                            {"build_manifest_path", build_manifest_path}});
  Json list = Json::array();
  for (const std::string& tag : tags) list.push_back(tag);
  json.set("tags", std::move(list));
  json.set("branch", branch);
  json.set("user", user);
  json.set("git_commit", git_commit);
  json.set("runtime_env", runtime_env);
  for (const auto& [key, value] : extra.members()) json.set(key, value);
  return json;
}

RunRecord RunRecord::from_json(const Json& json) {
  RunRecord record;
  for (const auto& [key, value] : json.members()) {
    std::string* text = key == "run_id"                ? &record.run_id
                        : key == "pipeline_slug"       ? &record.pipeline_slug
                        : key == "profile"             ? &record.profile
                        : key == "manifest_hash"       ? &record.manifest_hash
                        : key == "manifest_short"      ? &record.manifest_short
                        : key == "run_ts"              ? &record.run_ts
                        : key == "status"              ? &record.status
                        : key == "run_logs_path"       ? &record.run_logs_path
                        : key == "aiop_path"           ? &record.aiop_path
                        : key == "build_manifest_path" ? &record.build_manifest_path
                        : key == "branch"              ? &record.branch
                        : key == "user"                ? &record.user
                        : key == "git_commit"          ? &record.git_commit
                        : key == "runtime_env"         ? &record.runtime_env
                                                       : nullptr;
    if (text)
      *text = value.as_string();
    else if (key == "duration_ms")
      record.duration_ms = value.as_int();
    else if (key == "tags")
      for (const Json& tag : value.items()) record.tags.push_back(tag.as_string());
    else
      record.extra.set(key, value);
  }
  return record;
}

Status RunIndex::append(const RunRecord& record) const {
  // A run that never got as far as a manifest is recorded too.
  if (!record.manifest_hash.empty() && !is_pure_hex(record.manifest_hash))
    return Error(Code::kInvalidArgument,
                 "manifest_hash must be pure hex (no algorithm prefix): " + record.manifest_hash);
  OSIRIS_TRY(make_directories(dir_));
  OSIRIS_ASSIGN(const FileLock lock, FileLock::wait(dir_ / "index.lock"));
  const std::string line = record.to_json().dump();
  // A flush costs more than all else a short run does. What a dead machine may lose is worth one: the end of a run,
  // once.
  OSIRIS_TRY(append_line(dir_ / "by_pipeline" / (file_name_of(record.pipeline_slug) + ".jsonl"), line, false));
  return append_line(dir_ / "runs.jsonl", line, record.status != "running");
}

Result<std::vector<RunRecord>> RunIndex::read() const {
  const auto text = read_file(dir_ / "runs.jsonl");
  if (!text.ok() && text.error().code != Code::kNotFound) return text.error();
  return text.ok() ? runs_in(*text).records : std::vector<RunRecord>();
}

Result<std::vector<RunRecord>> RunIndex::read_newest(size_t count) const {
  const FileDescriptor file = FileDescriptor::open(dir_ / "runs.jsonl", O_RDONLY);
  const off_t size = file.is_open() ? ::lseek(file.get(), 0, SEEK_END) : 0;
  for (off_t tail = kTailBytes; tail < size; tail *= 4) {
    if (::lseek(file.get(), size - tail, SEEK_SET) < 0) break;
    OSIRIS_ASSIGN(std::string text, read_all(file.get(), dir_ / "runs.jsonl", static_cast<uint64_t>(size)));
    // What comes first is the rest of a line, and may be the end of a run whose beginning is not there.
    Runs runs = runs_in(std::string_view(text).substr(std::min(text.find('\n'), text.size() - 1) + 1));
    std::vector<RunRecord> begun;
    for (size_t i = 0; i < runs.records.size(); ++i)
      if (runs.has_begun[i]) begun.push_back(std::move(runs.records[i]));
    if (begun.size() >= count) return std::vector<RunRecord>(begun.end() - static_cast<long>(count), begun.end());
  }
  OSIRIS_ASSIGN(std::vector<RunRecord> all, read());
  if (all.size() > count) all.erase(all.begin(), all.end() - static_cast<long>(count));
  return all;
}

Status RunIndex::forget(const std::set<std::string>& run_ids) const {
  OSIRIS_ASSIGN(const FileLock lock, FileLock::wait(dir_ / "index.lock"));
  std::vector<fs::path> files = {dir_ / "runs.jsonl"};
  std::error_code code;
  for (fs::directory_iterator at(dir_ / "by_pipeline", code), end; !code && at != end; at.increment(code))
    if (at->path().extension() == ".jsonl") files.push_back(at->path());
  for (const fs::path& file : files) {
    std::string kept;
    bool has_forgotten = false;
    const Status read = for_each_line(file, [&](std::string_view line) {
      const auto json = parse_json(line);
      if (json.ok() && run_ids.count((*json)["run_id"].as_string()))
        has_forgotten = true;
      else
        kept += std::string(line) + "\n";
    });
    if (!read.ok() && read.error().code != Code::kNotFound) return read;
    if (has_forgotten) OSIRIS_TRY(write_file_atomically(file, kept, {.durable = true}));
  }
  return {};
}

Status RunIndex::write_last_compile(const LatestPointer& pointer) const {
  return write_pointer(dir_ / "last_compile.txt", pointer);
}
Result<LatestPointer> RunIndex::read_last_compile() const { return read_pointer(dir_ / "last_compile.txt"); }

Status RunIndex::write_latest(std::string_view slug, const LatestPointer& pointer) const {
  return write_pointer(dir_ / "latest" / (file_name_of(slug) + ".txt"), pointer);
}
Result<LatestPointer> RunIndex::read_latest(std::string_view slug) const {
  return read_pointer(dir_ / "latest" / (file_name_of(slug) + ".txt"));
}

}  // namespace osiris
