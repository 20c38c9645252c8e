#include "host/cache/kept_outputs.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <set>
#include <system_error>

#include "protocol/base/copy_file.h"
#include "protocol/base/file.h"
#include "protocol/base/file_lock.h"
#include "protocol/model/kept_output.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr int kFormat = 1;
constexpr uint64_t kDescriptionBytesMax = 1u << 20;
constexpr size_t kShortHash = 16;

Json description_of(const KeptEntry& entry) {
  return Json::object({{"format", kFormat},
                       {"key", entry.key},
                       {"content", entry.content},
                       {"pipeline_id", entry.pipeline_id},
                       {"step_id", entry.step_id},
                       {"component", entry.component},
                       {"run_id", entry.run_id},
                       {"created_unix_ns", entry.created_unix_ns},
                       {"size_bytes", entry.size_bytes},
                       {"sha256", entry.sha256},
                       {"rows_read", entry.rows_read},
                       {"rows_out", entry.rows_out},
                       {"shard_rows", shard_rows_json(entry.shard_rows)}});
}

// Another file system may hold the sessions.
Status move_file(const fs::path& from, const fs::path& to) {
  if (std::rename(from.c_str(), to.c_str()) == 0) return {};
  if (errno != EXDEV) return errno_error(errno, "cannot keep " + from.string() + " as", to);
  OSIRIS_TRY(copy_whole_file(from, to));
  std::error_code ignored;
  fs::remove(from, ignored);
  return {};
}

}  // namespace

fs::path KeptOutputs::entry_file(const std::string& key) const {
  return directory_ / "outputs" / key.substr(0, 2) / (key + ".json");
}

std::optional<KeptEntry> KeptOutputs::read(const fs::path& file) const {
  const auto text = read_file(file, kDescriptionBytesMax);
  const auto json = text.ok() ? parse_json(*text) : Result<Json>(text.error());
  if (!json.ok() || (*json)["format"].as_int() != kFormat) return std::nullopt;
  KeptEntry entry;
  entry.key = (*json)["key"].as_string();
  entry.content = (*json)["content"].as_string();
  entry.pipeline_id = (*json)["pipeline_id"].as_string();
  entry.step_id = (*json)["step_id"].as_string();
  entry.component = (*json)["component"].as_string();
  entry.run_id = (*json)["run_id"].as_string();
  entry.created_unix_ns = (*json)["created_unix_ns"].as_int();
  entry.size_bytes = (*json)["size_bytes"].as_uint();
  entry.sha256 = (*json)["sha256"].as_string();
  entry.rows_read = (*json)["rows_read"].as_uint();
  entry.rows_out = (*json)["rows_out"].as_uint();
  entry.shard_rows = shard_rows_from_json((*json)["shard_rows"]);
  if (entry.sha256.size() != 64 || file.filename() != entry.key + ".json") return std::nullopt;
  entry.file = file.parent_path() / (entry.key + "-" + entry.sha256.substr(0, kShortHash) + ".parquet");
  std::error_code code;
  entry.used_at = fs::last_write_time(file, code);
  return entry;
}

std::optional<KeptEntry> KeptOutputs::find(const std::string& key, std::string& damaged) {
  const fs::path file = entry_file(key);
  std::error_code code;
  if (!fs::exists(file, code)) return std::nullopt;
  auto entry = read(file);
  if (!entry) {
    damaged = file.string() + " is not understood";
    fs::remove(file, code);
    return std::nullopt;
  }
  const auto hashed = hashes_.of(entry->file);
  if (hashed.ok() && hashed->hash == entry->sha256) return entry;
  damaged = hashed.ok() ? entry->file.string() + " is not what was kept" : hashed.error().message;
  remove(*entry);
  return std::nullopt;
}

void KeptOutputs::touch(const KeptEntry& entry) const {
  std::error_code ignored;
  fs::last_write_time(entry_file(entry.key), fs::file_time_type::clock::now(), ignored);
}

Status KeptOutputs::put(KeptEntry entry, const fs::path& rows) {
  const fs::path file = entry_file(entry.key);
  OSIRIS_TRY(make_directories(file.parent_path()));
  OSIRIS_ASSIGN(const FileLock lock, FileLock::wait(directory_ / "outputs.lock"));
  const auto before = read(file);
  entry.file = file.parent_path() / (entry.key + "-" + entry.sha256.substr(0, kShortHash) + ".parquet");
  OSIRIS_TRY(move_file(rows, entry.file));
  if (const Status written = write_file_atomically(file, description_of(entry).dump()); !written.ok()) {
    std::error_code ignored;
    if (!before || before->file != entry.file) fs::remove(entry.file, ignored);
    return written;
  }
  std::error_code ignored;
  if (before && before->file != entry.file) fs::remove(before->file, ignored);
  keep_within_bound();
  return {};
}

void KeptOutputs::remove(const KeptEntry& entry) const {
  std::error_code ignored;
  fs::remove(entry_file(entry.key), ignored);
  fs::remove(entry.file, ignored);
}

// The lock is held.
void KeptOutputs::keep_within_bound() const {
  std::vector<KeptEntry> entries = list();
  std::set<fs::path> known;
  uint64_t bytes = 0;
  for (const KeptEntry& entry : entries) {
    bytes += entry.size_bytes;
    known.insert(entry.file);
  }
  while (bytes > bytes_max_ && !entries.empty()) {
    bytes -= entries.back().size_bytes;
    remove(entries.back());
    entries.pop_back();
  }
  // Rows that a host left which died before it could describe them.
  std::error_code code;
  for (fs::recursive_directory_iterator at(directory_ / "outputs", code), end; !code && at != end; at.increment(code))
    if (std::error_code ignored;
        at->path().extension() != ".json" && at->is_regular_file(ignored) && !known.contains(at->path()))
      fs::remove(at->path(), ignored);
}

std::vector<KeptEntry> KeptOutputs::list() const {
  std::vector<KeptEntry> entries;
  std::error_code code;
  for (fs::recursive_directory_iterator at(directory_ / "outputs", code), end; !code && at != end; at.increment(code))
    if (at->path().extension() == ".json")
      if (auto entry = read(at->path())) entries.push_back(*std::move(entry));
  std::sort(entries.begin(), entries.end(), [](const KeptEntry& a, const KeptEntry& b) {
    return a.used_at != b.used_at ? a.used_at > b.used_at : a.key < b.key;
  });
  return entries;
}

Result<KeptOutputs::Cleared> KeptOutputs::clear(const std::string& pipeline_id) {
  Cleared cleared;
  std::error_code code;
  if (!fs::exists(directory_ / "outputs", code)) return cleared;
  OSIRIS_ASSIGN(const FileLock lock, FileLock::wait(directory_ / "outputs.lock"));
  for (const KeptEntry& entry : list()) {
    if (!pipeline_id.empty() && entry.pipeline_id != pipeline_id) continue;
    if (!fs::remove(entry_file(entry.key), code) || code)
      return errno_error(code.value(), "cannot remove", entry_file(entry.key));
    fs::remove(entry.file, code);
    if (code) return errno_error(code.value(), "cannot remove", entry.file);
    ++cleared.entries;
    cleared.bytes += entry.size_bytes;
  }
  keep_within_bound();
  return cleared;
}

}  // namespace osiris
