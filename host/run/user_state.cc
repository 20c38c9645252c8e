#include "host/run/user_state.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "host/project/run_index.h"
#include "host/project/user_directories.h"
#include "protocol/base/clock.h"
#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/file_lock.h"
#include "protocol/base/local_mark.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

// No sandbox lives for a week: what a dead run left by then has gone.
void remove_forgotten(const fs::path& directory) {
  std::error_code code;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, code)) {
    const auto touched = entry.last_write_time(code);
    if (code || fs::file_time_type::clock::now() - touched <= std::chrono::hours(7 * 24)) continue;
    if (const auto mine = FileLock::try_take_existing(entry.path())) fs::remove(entry.path(), code);
  }
}

// Whether begin() wrote this file, here.
bool is_of_here(int fd) {
  char text[64];
  const ssize_t size = ::pread(fd, text, sizeof text, 0);
  const std::string mark = local_mark(fd);
  return size > 0 && !mark.empty() && std::string_view(text, static_cast<size_t>(size)) == mark;
}

}  // namespace

UserState::UserState(const Environment& environment) : directory_(user_state_directory(environment)) {}

Result<std::string> UserState::owner_id() const {
  const fs::path file = directory_ / "owner_id";
  if (const auto text = read_file(file); text.ok() && !trim(*text).empty()) return std::string(trim(*text));
  OSIRIS_TRY(make_directories(directory_));
  const std::string id = make_ulid(system_clock().unix_ns());
  const fs::path mine = directory_ / ("owner_id." + id);
  OSIRIS_TRY(write_file_atomically(mine, id + "\n", {.durable = true, .mode = 0600}));
  // link() never replaces: of two processes that come here at once, one wins and both read its id.
  const int linked = ::link(mine.c_str(), file.c_str());
  const int number = errno;
  ::unlink(mine.c_str());
  if (linked != 0 && number != EEXIST) return errno_error(number, "cannot create", file);
  OSIRIS_ASSIGN(const std::string text, read_file(file));
  return std::string(trim(text));
}

void UserState::Run::end() {
  if (!lock_.is_taken()) return;
  ::unlink(file_.c_str());
  lock_.give_back();
}

Result<UserState::Run> UserState::begin(const std::string& run_id) const {
  OSIRIS_TRY(make_directories(directory_ / "runs"));
  remove_forgotten(directory_ / "runs");
  const fs::path file = directory_ / "runs" / run_id;
  // Waits: another process that counts runs holds it for a moment.
  OSIRIS_ASSIGN(FileLock lock, FileLock::wait(file, 0600));
  const std::string mark = local_mark(lock.fd());
  if (::pwrite(lock.fd(), mark.data(), mark.size(), 0) != static_cast<ssize_t>(mark.size()))
    return errno_error(errno, "cannot write", file);
  return Run(file, std::move(lock));
}

std::vector<std::string> UserState::run_ids(bool live) const {
  std::vector<std::string> ids;
  std::error_code code;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory_ / "runs", code)) {
    const FileDescriptor file = FileDescriptor::open(entry.path(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!file.is_open()) continue;
    if (FileLock::is_held(entry.path()) == live && (live || is_of_here(file.get())))
      ids.push_back(entry.path().filename().string());
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::vector<std::string> UserState::live_run_ids() const { return run_ids(true); }
std::vector<std::string> UserState::dead_run_ids() const { return run_ids(false); }

}  // namespace osiris
