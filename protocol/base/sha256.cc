#include "protocol/base/sha256.h"

#include <fcntl.h>
#include <openssl/evp.h>

#include <cerrno>
#include <vector>

#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"

namespace osiris {

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() { EVP_DigestInit_ex(context, EVP_sha256(), nullptr); }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view bytes) { EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()); }

std::string Sha256::hex() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  EVP_DigestFinal_ex(state_->context, digest, &length);
  return to_hex({reinterpret_cast<const char*>(digest), length});
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
  std::vector<char> block(1 << 18);
  for (;;) {
    const int64_t got = read_some(fd, block.data(), block.size());
    if (got < 0) return errno_error(errno, "cannot read", path);
    if (got == 0) break;
    hash.update({block.data(), static_cast<size_t>(got)});
    digest.size_bytes += static_cast<uint64_t>(got);
  }
  digest.sha256 = hash.hex();
  return digest;
}

}  // namespace osiris
