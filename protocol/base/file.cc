#include "protocol/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "protocol/base/categories.h"
#include "protocol/base/random.h"

namespace osiris {
namespace {

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
      return Error(Code::kExhausted, message, "Free some space or choose another directory, then run again.",
                   category::kWriteDiskFull);
    case ENOENT:
      return Error(Code::kNotFound, message, "Check the path.", category::kWritePathNotFound);
    case EMFILE:
      return Error(Code::kUnavailable, message,
                   "This process may open no more files: raise its limit (ulimit -n), then run again.",
                   category::kSystemResourceUnavailable);
    case ENFILE:
      return Error(Code::kUnavailable, message, "This machine has too many files open; close some, then run again.",
                   category::kSystemResourceUnavailable);
    case ENOMEM:
      return Error(Code::kExhausted, message, "Free some memory, then run again.",
                   category::kSystemResourceUnavailable);
    case EROFS:
      return Error(Code::kUnavailable, message,
                   "The file system is read-only: make it writable, or choose another directory.",
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
  const FileDescriptor file = FileDescriptor::open(path, O_RDONLY);
  if (!file.is_open()) return errno_error(errno, "cannot open", path);
  return read_all(file.get(), path, max_bytes);
}

Status write_file_atomically(const std::filesystem::path& path, std::string_view bytes, WriteOptions options) {
  std::string temporary;
  FileDescriptor file(create_beside(path, options.mode, temporary));
  if (!file.is_open()) return errno_error(errno, "cannot write", path);
  const bool written = write_all(file.get(), bytes) && (!options.durable || ::fsync(file.get()) == 0) && file.close();
  if (written && ::rename(temporary.c_str(), path.c_str()) == 0) return {};
  const int number = errno;
  file.close();
  ::unlink(temporary.c_str());
  return errno_error(number, "cannot write", path);
}

Status make_directories(const std::filesystem::path& path) {
  if (::mkdir(path.c_str(), 0777) == 0) return {};  // its parent is there, as a rule
  std::error_code code;
  std::filesystem::create_directories(path, code);
  if (code) return errno_error(code.value(), "cannot create directory", path);
  return {};
}

Result<LineFile> LineFile::open(const std::filesystem::path& path) {
  FileDescriptor file = FileDescriptor::open(path, O_RDWR | O_CREAT | O_APPEND, 0644);
  if (!file.is_open()) return errno_error(errno, "cannot open", path);
  off_t end = ::lseek(file.get(), 0, SEEK_END);
  const off_t size = end;
  char last = '\n';
  while (end > 0 && ::pread(file.get(), &last, 1, end - 1) == 1 && last != '\n') --end;
  if (end != size && ::ftruncate(file.get(), end) != 0) return errno_error(errno, "cannot trim the torn tail of", path);
  return LineFile(std::move(file), path);
}

LineFile::LineFile(LineFile&& other) noexcept
    : file_(std::move(other.file_)),
      path_(std::move(other.path_)),
      appended_(other.appended_),
      synced_(other.synced_) {}

LineFile& LineFile::operator=(LineFile&& other) noexcept {
  if (this != &other) {
    file_ = std::move(other.file_);
    path_ = std::move(other.path_);
    appended_ = other.appended_;
    synced_ = other.synced_;
  }
  return *this;
}

Status LineFile::append(std::string_view line) {
  std::string whole(line);
  whole += '\n';
  const std::lock_guard lock(mutex_);
  if (!file_.is_open()) return Error(Code::kInvalidState, "line file is not open");
  const off_t before = ::lseek(file_.get(), 0, SEEK_END);
  if (write_all(file_.get(), whole)) {
    ++appended_;
    return {};
  }
  const int number = errno;
  if (before >= 0 && ::ftruncate(file_.get(), before) != 0) return errno_error(errno, "cannot trim", path_);
  return errno_error(number, "cannot append to", path_);
}

Status LineFile::sync() {
  std::unique_lock lock(mutex_);
  const uint64_t wanted = appended_;
  lock.unlock();
  const std::lock_guard alone(sync_mutex_);
  lock.lock();
  if (!file_.is_open() || synced_ >= wanted) return {};
  const uint64_t reached = appended_;
  lock.unlock();
  if (::fdatasync(file_.get()) != 0) return errno_error(errno, "cannot sync", path_);
  lock.lock();
  synced_ = reached;
  return {};
}

}  // namespace osiris
