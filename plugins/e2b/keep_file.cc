#include "plugins/e2b/keep_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "protocol/base/file.h"
#include "protocol/base/json.h"

namespace osiris::e2b {
namespace {

namespace fs = std::filesystem;

// No lease is longer than an hour: what nobody touched for a day is of a sandbox that ended by itself.
void remove_forgotten(const fs::path& directory) {
  std::error_code code;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, code)) {
    if (!entry.path().filename().string().starts_with("sandbox-")) continue;
    const auto touched = entry.last_write_time(code);
    if (!code && fs::file_time_type::clock::now() - touched > std::chrono::hours(24)) fs::remove(entry.path(), code);
  }
}

}  // namespace

Result<std::optional<KeepFile>> KeepFile::lock(const fs::path& directory, const std::string& sandbox_id) {
  OSIRIS_TRY(make_directories(directory));
  remove_forgotten(directory);
  const fs::path path = directory / ("sandbox-" + sandbox_id);
  FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.is_open()) return errno_error(errno, "cannot create", path);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return std::optional<KeepFile>();
  return std::optional(KeepFile(path, std::move(fd)));
}

std::set<std::string> KeepFile::files() const {
  std::set<std::string> files;
  const auto text = read_file(path_);
  const auto list = text.ok() ? parse_json(*text) : Result<Json>(text.error());
  if (list.ok())
    for (const Json& file : list->items()) files.insert(file.as_string());
  return files;
}

// In place: the lock is on this file and not on one that takes its name. A torn list is no list, and its inputs travel again.
Status KeepFile::remember(const std::set<std::string>& files) const {
  Json list = Json::array();
  for (const std::string& file : files) list.push_back(file);
  const std::string text = list.dump();
  if (::ftruncate(fd_.get(), 0) != 0 || ::pwrite(fd_.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    return errno_error(errno, "cannot write", path_);
  return {};
}

void KeepFile::remove() {
  if (!fd_.is_open()) return;
  ::unlink(path_.c_str());
  fd_.close();
}

}  // namespace osiris::e2b
