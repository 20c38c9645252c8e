#include "protocol/base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "protocol/base/file.h"

namespace osiris {
namespace {

// 0, or errno: EWOULDBLOCK where it is held and `how` has LOCK_NB.
int lock(int fd, int how) {
  while (::flock(fd, how) != 0)
    if (errno != EINTR) return errno;
  return 0;
}

}  // namespace

Result<FileLock> FileLock::wait(const std::filesystem::path& file, unsigned mode) {
  FileDescriptor fd = FileDescriptor::open(file, O_RDWR | O_CREAT | O_NOFOLLOW, mode);
  if (!fd.is_open()) return errno_error(errno, "cannot open the lock file", file);
  if (const int error = lock(fd.get(), LOCK_EX)) return errno_error(error, "cannot lock", file);
  return FileLock(std::move(fd));
}

Result<std::optional<FileLock>> FileLock::try_take(const std::filesystem::path& file, unsigned mode) {
  FileDescriptor fd = FileDescriptor::open(file, O_RDWR | O_CREAT | O_NOFOLLOW, mode);
  if (!fd.is_open()) return errno_error(errno, "cannot open the lock file", file);
  const int error = lock(fd.get(), LOCK_EX | LOCK_NB);
  if (error == EWOULDBLOCK) return std::optional<FileLock>();
  if (error != 0) return errno_error(error, "cannot lock", file);
  return std::optional(FileLock(std::move(fd)));
}

std::optional<FileLock> FileLock::try_take_existing(const std::filesystem::path& file) {
  FileDescriptor fd = FileDescriptor::open(file, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
  if (!fd.is_open() || lock(fd.get(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;
  return FileLock(std::move(fd));
}

bool FileLock::is_held(const std::filesystem::path& file) {
  const FileDescriptor probe = FileDescriptor::open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  return probe.is_open() && lock(probe.get(), LOCK_SH | LOCK_NB) == EWOULDBLOCK;
}

}  // namespace osiris
