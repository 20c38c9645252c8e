// A file that appears all at once: written under a temporary name beside its target and renamed at the end. Until then
// the old file, if any, is untouched; without commit() everything made on the way is removed again, new directories
// included. What a pipeline writes is put in its place by this and nothing else, wherever it was made: the writers of a
// worker on this machine and an adapter that fetches remote outputs leave the same kind of file, mode and owner.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/fd.h"
#include "protocol/base/parent_directories.h"
#include "protocol/base/sha256.h"

namespace osiris {

class ReplacingFile {
 public:
  explicit ReplacingFile(std::filesystem::path target) : target_(std::move(target)) {}
  ~ReplacingFile();
  ReplacingFile(const ReplacingFile&) = delete;
  ReplacingFile& operator=(const ReplacingFile&) = delete;

  const std::filesystem::path& target() const { return target_; }

  // Only a regular file may be replaced: a rename over /dev/stdout would remove the device. An existing file's mode and
  // owner are kept; a new one gets what the umask leaves of 0666.
  Status open(bool create_dirs);
  // What write() is given is hashed on the way, from here on.
  void keep_digest() { hash_.emplace(); }
  Status write(std::string_view bytes);
  uint64_t bytes_written() const { return bytes_written_; }  // by write()
  // Where the file is until commit(), for a library that opens what it writes by its path: in the place of write().
  const std::string& temporary() const { return temporary_; }
  // Over bytes that write() wrote, `offset` from the start: for formats whose head says what follows.
  Status write_at(uint64_t offset, std::string_view bytes);
  // All is written; the descriptor is given back. commit() does it if the caller did not.
  Status close();
  // Whether the target may (still) be replaced.
  Status check_target() const;
  Status commit();
  // Of the whole file, once, last. nullopt where keep_digest() was not called before the first write, or write_at() was
  // used: then the bytes have to be read.
  std::optional<FileDigest> digest();

 private:
  std::filesystem::path target_;
  std::string temporary_;  // empty: none
  ParentDirectories parents_;
  FileDescriptor file_;
  uint64_t bytes_written_ = 0;
  std::optional<Sha256> hash_;
};

// Whether the file could be written, without touching anything.
Status check_writable(const std::filesystem::path& target, bool create_dirs);

}  // namespace osiris
