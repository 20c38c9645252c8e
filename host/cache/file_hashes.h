// Hashes of files, remembered from run to run by device, inode, size and both times. A file that was changed about
// when it was read, or after a record that the clock has gone back behind, is read again: its times do not tell.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/clock.h"
#include "protocol/base/content_hash.h"
#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "protocol/base/sha256.h"

namespace osiris {

// By what a file is recognised. Equal identities: nothing has written to it in between, as far as its times tell.
struct FileIdentity {
  uint64_t device = 0, inode = 0, size_bytes = 0;
  int64_t mtime_ns = 0, ctime_ns = 0;
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;

  // Follows links. kInvalidArgument for what is no regular file.
  static Result<FileIdentity> of(const std::filesystem::path& file);
};
Json to_json(const FileIdentity& identity);
FileIdentity file_identity_from_json(const Json& json);

struct HashedFile {
  FileIdentity identity;  // as it was read
  std::string hash;       // 64 hex digits
};

class FileHashes {
 public:
  // `memory` is read; one that is not there or not understood holds nothing. The clock outlives the object.
  FileHashes(std::filesystem::path memory, const Clock& clock);

  // Its SHA-256. kUnavailable where the file was written to while it was read, kCancelled after stop().
  Result<HashedFile> of(const std::filesystem::path& file) { return look_up(file, Kind::kSha256); }
  // What tells its content apart from others within this project, many times as fast: ContentHash with the secret.
  Result<HashedFile> content_of(const std::filesystem::path& file) { return look_up(file, Kind::kContent); }
  void set_secret(std::string_view secret) { key_.emplace(secret); }
  // While it is set, both read nothing: the identity is there, the hash is kNotHashed.
  void defer(bool defers) { defers_ = defers; }
  static constexpr const char* kNotHashed = "-";
  // [any thread] Ends what they are doing, for good.
  void stop() { stopping_ = true; }
  // Writes the memory where there is something new. What cannot be written is forgotten: it would only be faster.
  void save();
  // Files that were read, and not remembered.
  size_t reads() const { return reads_; }

 private:
  enum class Kind { kSha256, kContent };
  struct Record {
    HashedFile file;
    int64_t read_unix_ns = 0;  // when reading began
    bool is_used = false;
  };
  bool is_trusted(const Record& record, const FileIdentity& now) const;
  Result<HashedFile> look_up(const std::filesystem::path& file, Kind kind);
  Result<std::string> read(const std::filesystem::path& file, Kind kind, uint64_t& size_bytes);

  const std::filesystem::path memory_;
  const Clock& clock_;
  std::map<std::string, Record> records_[2];  // of each kind, by path
  std::optional<ContentHash::Key> key_;
  bool changed_ = false, defers_ = false;
  std::atomic<bool> stopping_{false};
  size_t reads_ = 0;
};

}  // namespace osiris
