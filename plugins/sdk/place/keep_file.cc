#include "plugins/sdk/place/keep_file.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "protocol/base/file.h"
#include "protocol/base/json.h"
#include "protocol/base/local_mark.h"

namespace osiris::sdk {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPrefix = "sandbox-";

// No lease is longer than an hour: a file that was not touched for a day and is not locked is of a machine that ended
// by itself.
void remove_forgotten(const fs::path& directory) {
  std::error_code code;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, code)) {
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    const auto touched = entry.last_write_time(code);
    if (code || fs::file_time_type::clock::now() - touched <= std::chrono::hours(24)) continue;
    if (const auto mine = FileLock::try_take_existing(entry.path())) fs::remove(entry.path(), code);
  }
}

Result<Json> content(const fs::path& path) {
  OSIRIS_ASSIGN(const std::string text, read_file(path));
  return parse_json(text);
}

}  // namespace

Result<std::optional<KeepFile>> KeepFile::create(const fs::path& directory, const std::string& run_id) {
  OSIRIS_TRY(make_directories(directory));
  remove_forgotten(directory);
  const fs::path path = directory / (kPrefix + run_id);
  OSIRIS_ASSIGN(std::optional<FileLock> lock, FileLock::try_take(path, 0600));
  if (!lock) return std::optional<KeepFile>();
  KeepFile file(path, *std::move(lock));
  OSIRIS_TRY(file.forget());
  return std::optional(std::move(file));
}

Result<std::optional<KeepFile>> KeepFile::open(const fs::path& directory, const std::string& run_id) {
  // It comes out of the metadata of a machine, which others may write.
  if (run_id.empty() || run_id.find('/') != std::string::npos) return std::optional<KeepFile>();
  const fs::path path = directory / (kPrefix + run_id);
  std::error_code code;
  if (!fs::is_regular_file(fs::symlink_status(path, code))) return std::optional<KeepFile>();
  std::optional<FileLock> lock = FileLock::try_take_existing(path);
  if (!lock) return std::optional<KeepFile>();
  const auto said = content(path);
  if (!said || (*said)["mark"].as_string() != local_mark(lock->fd())) return std::optional<KeepFile>();
  return std::optional(KeepFile(path, *std::move(lock)));
}

std::optional<KeepFile::Memory> KeepFile::memory() const {
  const auto said = content(path_);
  if (!said || !(*said)["sandbox"].is_string()) return std::nullopt;
  Memory memory{(*said)["sandbox"].as_string(), {}};
  for (const Json& file : (*said)["files"].items()) memory.files.insert(file.as_string());
  return memory;
}

// In place: the lock is on this file and not on one that takes its name. A torn text names no machine.
Status KeepFile::write(const std::string& text) const {
  if (::ftruncate(lock_.fd(), 0) != 0 ||
      ::pwrite(lock_.fd(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    return errno_error(errno, "cannot write", path_);
  return {};
}

Status KeepFile::forget() const { return write(Json::object({{"mark", local_mark(lock_.fd())}}).dump()); }

Status KeepFile::remember(const Memory& memory) const {
  Json list = Json::array();
  for (const std::string& file : memory.files) list.push_back(file);
  return write(
      Json::object({{"mark", local_mark(lock_.fd())}, {"sandbox", memory.machine_id}, {"files", std::move(list)}})
          .dump());
}

void KeepFile::remove() {
  if (!lock_.is_taken()) return;
  ::unlink(path_.c_str());
  lock_.give_back();
}

}  // namespace osiris::sdk
