// Whole-file reads, replacing writes and append-only line files that survive a crash at any moment.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/fd.h"

namespace osiris {

// Fails with kExhausted beyond max_bytes. kNotFound when there is no such file.
Result<std::string> read_file(const std::filesystem::path& path, uint64_t max_bytes = 1ull << 30);

struct WriteOptions {
  bool durable = false;  // fsync before the rename
  unsigned mode = 0644;  // less what the umask takes away
};
// Writes a temporary file in the same directory and renames it over `path`: readers see the old bytes or the new,
// never a part. On failure the temporary file is removed. A full disk is kExhausted with category write.disk_full.
Status write_file_atomically(const std::filesystem::path& path, std::string_view bytes, WriteOptions options = {});

// mkdir -p.
Status make_directories(const std::filesystem::path& path);

// The Error for a failed system call: kExhausted (disk full, quota, memory), kNotFound, kInvalidArgument (permission,
// not a directory) or kUnavailable (read-only file system, too many open files, the rest) by errno; message "<what>
// <path>: <reason>".
Error errno_error(int error_number, std::string_view what, const std::filesystem::path& path);
// Whether such an Error blames the machine (no descriptors, space or memory) and not the path: no other path would
// help.
bool is_machine_trouble(const Error& error);

// A file of lines, each written with one write(2). Every line that ends in a newline is whole; opening trims a torn
// tail that a crash may have left. [any thread]
class LineFile {
 public:
  static Result<LineFile> open(const std::filesystem::path& path);
  LineFile() = default;
  LineFile(LineFile&& other) noexcept;
  LineFile& operator=(LineFile&& other) noexcept;

  // `line` without its newline; it must not contain one.
  Status append(std::string_view line);
  // What was appended before is on the disk when this returns. Threads that wait for it share what is under way, and
  // others may append meanwhile.
  Status sync();

 private:
  LineFile(FileDescriptor file, std::filesystem::path path) : file_(std::move(file)), path_(std::move(path)) {}
  FileDescriptor file_;
  std::filesystem::path path_;
  std::mutex mutex_;
  uint64_t appended_ = 1, synced_ = 0;  // lines; the first stands for what was there when it was opened
  std::mutex sync_mutex_;               // held while the disk writes; taken before mutex_
};

// Calls visit(line) for each whole line; a torn tail is ignored.
template <class Visit>
Status for_each_line(const std::filesystem::path& path, Visit visit) {
  OSIRIS_ASSIGN(const std::string text, read_file(path));
  size_t start = 0;
  for (size_t end; (end = text.find('\n', start)) != std::string::npos; start = end + 1)
    visit(std::string_view(text).substr(start, end - start));
  return {};
}

}  // namespace osiris
