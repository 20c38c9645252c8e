#include "host/project/run_index.h"

#include <algorithm>
#include <cerrno>
#include <unordered_map>

#include "protocol/base/file.h"
#include "protocol/base/file_lock.h"
#include "protocol/base/text.h"
#include "protocol/base/update_file.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

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
  std::vector<RunRecord> records;
  std::unordered_map<std::string, size_t> position;
  const Status read = for_each_line(dir_ / "runs.jsonl", [&](std::string_view line) {
    const auto json = parse_json(line);
    if (!json.ok() || !json->is_object()) return;
    RunRecord record = RunRecord::from_json(*json);
    const auto [known, is_new] = position.try_emplace(record.run_id, records.size());
    if (is_new)
      records.push_back(std::move(record));
    else
      records[known->second] = std::move(record);
  });
  if (!read.ok() && read.error().code != Code::kNotFound) return read.error();
  return records;
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
