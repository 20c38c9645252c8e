#include "protocol/base/sha256.h"

// The plain functions: through EVP_*() a process's first hash sets up all of OpenSSL and reads its configuration, which
// takes 0.9 ms; the code that hashes is the same.
#define OPENSSL_SUPPRESS_DEPRECATED

#include <fcntl.h>
#include <openssl/sha.h>

#include <cerrno>

#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/read_block.h"
#include "protocol/base/text.h"

namespace osiris {

struct Sha256::State {
  SHA256_CTX context;
  State() { SHA256_Init(&context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view bytes) { SHA256_Update(&state_->context, bytes.data(), bytes.size()); }

std::string Sha256::hex() {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256_Final(digest, &state_->context);
  return to_hex({reinterpret_cast<const char*>(digest), sizeof digest});
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.hex();
}

Result<FileDigest> sha256_file(const std::filesystem::path& path) {
  const FileDescriptor file = FileDescriptor::open(path, O_RDONLY);
  if (!file.is_open()) return errno_error(errno, "cannot open", path);
  return sha256_descriptor(file.get(), path);
}

Result<FileDigest> sha256_descriptor(int fd, const std::filesystem::path& path) {
  Sha256 hash;
  FileDigest digest;
  ReadBlock block(size_t{1} << 18);
  for (;;) {
    const int64_t got = read_some(fd, block.data(), block.size());
    if (got < 0) return errno_error(errno, "cannot read", path);
    if (got == 0) break;
    hash.update(block.first(static_cast<size_t>(got)));
    digest.size_bytes += static_cast<uint64_t>(got);
  }
  digest.sha256 = hash.hex();
  return digest;
}

}  // namespace osiris
