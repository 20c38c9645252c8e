// A file descriptor with an owner, and the two loops every reader and writer of one needs. Nothing else in the house
// calls close(2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/base/error.h"

namespace osiris {

// Closes on destruction.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  // open(2) with O_CLOEXEC; the caller looks at is_open() and errno.
  static FileDescriptor open(const std::filesystem::path& path, int flags, unsigned mode = 0666);
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor() { close(); }

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  // False where the kernel reports a write that failed late (errno says why); the descriptor is gone all the same.
  bool close();
  // The caller closes it from now on.
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// All of `bytes`, over as many calls as it takes; waits where the descriptor is non-blocking and full. False leaves
// errno. Not for sockets, where SIGPIPE must not come: send(2).
bool write_all(int fd, std::string_view bytes);
// One read(2) that no signal ends: the bytes it got, 0 at the end, -1 leaves errno.
int64_t read_some(int fd, char* buffer, size_t size);
// Until the end. kExhausted beyond max_bytes; `path` is for the error.
Result<std::string> read_all(int fd, const std::filesystem::path& path, uint64_t max_bytes);

// An event counter (eventfd) that wakes a poll() on it. [any thread] signal() and drain().
class EventDescriptor {
 public:
  EventDescriptor();
  bool is_open() const { return fd_.is_open(); }
  int get() const { return fd_.get(); }  // readable after signal()
  void signal() const;
  void drain() const;

 private:
  FileDescriptor fd_;
};

}  // namespace osiris
