#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/base/random.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>


namespace osiris {
namespace {

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

// A new file with a name of its own in the directory of `path`; -1 and errno. Not mkostemp: that one knows no umask.
int create_beside(const std::filesystem::path& path, unsigned mode, std::string& name) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    char suffix[20];
    std::snprintf(suffix, sizeof suffix, ".%06llx", static_cast<unsigned long long>(random_number() & 0xffffffffffff));
    name = path.string() + suffix;
    const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
  return -1;
}

}  // namespace

Error errno_error(int number, std::string_view what, const std::filesystem::path& path) {
  const std::string message = std::string(what) + " " + path.string() + ": " + std::strerror(number);
  switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Error(Code::kExhausted, message, "Free some space or choose another directory, then run again.", category::kWriteDiskFull);
    case ENOENT:
      return Error(Code::kNotFound, message, "Check the path.", category::kWritePathNotFound);
    case EMFILE:
      return Error(Code::kUnavailable, message, "This process may open no more files: raise its limit (ulimit -n), then run again.",
                   category::kSystemResourceUnavailable);
    case ENFILE:
      return Error(Code::kUnavailable, message, "This machine has too many files open; close some, then run again.",
                   category::kSystemResourceUnavailable);
    case ENOMEM:
      return Error(Code::kExhausted, message, "Free some memory, then run again.", category::kSystemResourceUnavailable);
    case EROFS:
      return Error(Code::kUnavailable, message, "The file system is read-only: make it writable, or choose another directory.",
                   category::kWritePermissionDenied);
    case EACCES:
    case EPERM:
      return Error(Code::kInvalidArgument, message, "Check the owner and permissions of the file and its directory.",
                   category::kWritePermissionDenied);
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG:
    case ELOOP:
      return Error(Code::kInvalidArgument, message, "Check the path.", category::kWritePathNotFound);
    default:
      return Error(Code::kUnavailable, message, "", category::kSystemResourceUnavailable);
  }
}

bool is_machine_trouble(const Error& error) {
  return error.category == category::kSystemResourceUnavailable || error.category == category::kWriteDiskFull;
}

Result<std::string> read_file(const std::filesystem::path& path, uint64_t max_bytes) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno_error(errno, "cannot open", path);
  struct stat info {};
  if (::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
    ::close(fd);
    return errno_error(EISDIR, "cannot read", path);
  }
  std::string text;
  if (info.st_size > 0 && static_cast<uint64_t>(info.st_size) <= max_bytes) text.reserve(static_cast<size_t>(info.st_size));
  char block[1 << 16];
  for (;;) {
    const ssize_t got = ::read(fd, block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int number = errno;
      ::close(fd);
      return errno_error(number, "cannot read", path);
    }
    if (got == 0) break;
    text.append(block, static_cast<size_t>(got));
    if (text.size() > max_bytes) {
      ::close(fd);
      return Error(Code::kExhausted, path.string() + " is larger than " + std::to_string(max_bytes) + " bytes");
    }
  }
  ::close(fd);
  return text;
}

Status write_file_atomically(const std::filesystem::path& path, std::string_view bytes, WriteOptions options) {
  std::string temporary;
  const int fd = create_beside(path, options.mode, temporary);
  if (fd < 0) return errno_error(errno, "cannot write", path);
  const bool written = write_all(fd, bytes) && (!options.durable || ::fsync(fd) == 0);
  int number = errno;
  const bool closed = ::close(fd) == 0;
  if (written && !closed) number = errno;
  if (written && closed) {
    if (::rename(temporary.c_str(), path.c_str()) == 0) return {};
    number = errno;
  }
  ::unlink(temporary.c_str());
  return errno_error(number, "cannot write", path);
}

Status make_directories(const std::filesystem::path& path) {
  std::error_code code;
  std::filesystem::create_directories(path, code);
  if (code) return errno_error(code.value(), "cannot create directory", path);
  return {};
}

Result<LineFile> LineFile::open(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return errno_error(errno, "cannot open", path);
  off_t end = ::lseek(fd, 0, SEEK_END);
  const off_t size = end;
  char last = '\n';
  while (end > 0 && ::pread(fd, &last, 1, end - 1) == 1 && last != '\n') --end;
  if (end != size && ::ftruncate(fd, end) != 0) {
    const int number = errno;
    ::close(fd);
    return errno_error(number, "cannot trim the torn tail of", path);
  }
  return LineFile(fd, path);
}

LineFile::LineFile(LineFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

LineFile& LineFile::operator=(LineFile&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
    path_ = std::move(other.path_);
  }
  return *this;
}

LineFile::~LineFile() {
  if (fd_ >= 0) ::close(fd_);
}

Status LineFile::append(std::string_view line) {
  std::string whole(line);
  whole += '\n';
  const std::lock_guard lock(mutex_);
  if (fd_ < 0) return Error(Code::kInvalidState, "line file is not open");
  const off_t before = ::lseek(fd_, 0, SEEK_END);
  if (write_all(fd_, whole)) return {};
  const int number = errno;
  if (before >= 0 && ::ftruncate(fd_, before) != 0) return errno_error(errno, "cannot trim", path_);
  return errno_error(number, "cannot append to", path_);
}

Status LineFile::sync() {
  const std::lock_guard lock(mutex_);
  if (fd_ < 0 || ::fdatasync(fd_) == 0) return {};
  return errno_error(errno, "cannot sync", path_);
}

}  // namespace osiris
