// An advisory lock on a file (flock). The kernel lets go of it when its holder dies, which no file with a process id in
// it can promise. Nothing else in the house calls flock(2).
#pragma once

#include <filesystem>
#include <optional>

#include "protocol/base/error.h"
#include "protocol/base/fd.h"

namespace osiris {

class FileLock {
 public:
  // Makes the file if it is missing, with this mode; does not follow a link in its place. Waits while it is held.
  static Result<FileLock> wait(const std::filesystem::path& file, unsigned mode = 0644);
  // The same without waiting: nullopt while it is held.
  static Result<std::optional<FileLock>> try_take(const std::filesystem::path& file, unsigned mode = 0644);
  // Of a file that is there, which is not made; nullopt where it is held or cannot be opened.
  static std::optional<FileLock> try_take_existing(const std::filesystem::path& file);
  // Whether some process holds the lock now. False for a file that cannot be opened.
  static bool is_held(const std::filesystem::path& file);

  // For what is kept in the locked file itself.
  int fd() const { return fd_.get(); }
  bool is_taken() const { return fd_.is_open(); }
  void give_back() { fd_.close(); }

  FileLock() = default;

 private:
  explicit FileLock(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

}  // namespace osiris
