// SHA-256, by OpenSSL (sha256.cc only): it uses the processor's SHA instructions, and every binary that hashes
// artifacts links libcrypto for TLS anyway.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/base/error.h"

namespace osiris {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::string_view bytes);
  // 64 lower-case hex digits. Call once, last.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view bytes);

// Hash and size of a regular file, read in blocks.
struct FileDigest {
  std::string sha256;
  uint64_t size_bytes = 0;
};
Result<FileDigest> sha256_file(const std::filesystem::path& path);
// From where `fd` stands to its end; `path` is for messages. Does not close it.
Result<FileDigest> sha256_descriptor(int fd, const std::filesystem::path& path);

}  // namespace osiris
