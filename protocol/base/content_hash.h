// A keyed hash of 256 bits that tells contents apart at the speed at which memory is read, many times that of SHA-256:
// each block of 8 KiB becomes 32 bytes by NH (of UMAC, RFC 4418: sums of products of words of 32 bits, each with a word
// of the key added), four times with a key that is shifted, and these are hashed by SHA-256 together with the length.
// Two contents that were chosen without knowing the key have one hash with a probability of 2^-128 at most. Who knows
// the key can make such contents, so it is no proof towards others: for that there is Sha256.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/sha256.h"

namespace osiris {

class ContentHash {
 public:
  static constexpr size_t kBlockBytes = 8192, kGroupBytes = 16;  // two pairs of words

  // Made once for many hashes: it takes as long as hashing some hundred kilobytes.
  class Key {
   public:
    explicit Key(std::string_view secret);  // of any length
    // The 32 bytes that a block becomes, before SHA-256: whole groups, kBlockBytes at most.
    std::array<char, 32> nh(const char* block, size_t bytes) const;

   private:
    std::vector<uint64_t> words_;
  };
  // The key outlives it.
  explicit ContentHash(const Key& key) : key_(key) {}

  void update(std::string_view bytes);
  // 64 lower-case hex digits. Call once, last. How update() was called makes no difference.
  std::string hex();

 private:
  void add_block(const char* block, size_t bytes);

  const Key& key_;
  std::string rest_;  // less than a block
  uint64_t size_bytes_ = 0;
  Sha256 blocks_;
};

}  // namespace osiris
