#include "protocol/base/content_hash.h"

#include <immintrin.h>

#include <algorithm>
#include <bit>

namespace osiris {
namespace {

constexpr size_t kPasses = 4;  // over a block, each with the key shifted by a group
constexpr size_t kKeyBytes = ContentHash::kBlockBytes + (kPasses - 1) * ContentHash::kGroupBytes;

using Sums = std::array<uint64_t, kPasses>;

// Adds the products of a group: four words and theirs of the key, added, and then the first of them by the second, and
// the third by the fourth.
template <size_t kPass>
void add_products(__m128i text, const char* key, __m128i (&sums)[kPasses]) {
  const auto* const at = reinterpret_cast<const __m128i*>(key + kPass * ContentHash::kGroupBytes);
  const __m128i both = _mm_add_epi32(text, _mm_loadu_si128(at));
  sums[kPass] = _mm_add_epi64(sums[kPass], _mm_mul_epu32(both, _mm_srli_epi64(both, 32)));
}

void add_groups(const char* block, const char* key, size_t bytes, Sums& made) {
  __m128i sums[kPasses] = {};
  for (size_t at = 0; at < bytes; at += ContentHash::kGroupBytes) {
    const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + at));
    add_products<0>(text, key + at, sums);
    add_products<1>(text, key + at, sums);
    add_products<2>(text, key + at, sums);
    add_products<3>(text, key + at, sums);
  }
  for (size_t pass = 0; pass < kPasses; ++pass) {
    uint64_t halves[2];
    _mm_storeu_si128(reinterpret_cast<__m128i*>(halves), sums[pass]);
    made[pass] += halves[0] + halves[1];
  }
}

// The same of two groups at once, for processors that can.
template <size_t kPass>
__attribute__((target("avx2"))) void add_products(__m256i text, const char* key, __m256i (&sums)[kPasses]) {
  const auto* const at = reinterpret_cast<const __m256i*>(key + kPass * ContentHash::kGroupBytes);
  const __m256i both = _mm256_add_epi32(text, _mm256_loadu_si256(at));
  sums[kPass] = _mm256_add_epi64(sums[kPass], _mm256_mul_epu32(both, _mm256_srli_epi64(both, 32)));
}

// Returns how many of the bytes it has added: less than two groups are left.
__attribute__((target("avx2"))) size_t add_two_by_two(const char* block, const char* key, size_t bytes, Sums& made) {
  __m256i sums[kPasses] = {};
  size_t at = 0;
  for (; at + sizeof(__m256i) <= bytes; at += sizeof(__m256i)) {
    const __m256i text = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block + at));
    add_products<0>(text, key + at, sums);
    add_products<1>(text, key + at, sums);
    add_products<2>(text, key + at, sums);
    add_products<3>(text, key + at, sums);
  }
  for (size_t pass = 0; pass < kPasses; ++pass) {
    uint64_t quarters[4];
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(quarters), sums[pass]);
    made[pass] += quarters[0] + quarters[1] + quarters[2] + quarters[3];
  }
  return at;
}

}  // namespace

ContentHash::Key::Key(std::string_view secret) {
  constexpr size_t kDigitsOfAWord = 16;
  for (uint64_t number = 0; words_.size() * sizeof(uint64_t) < kKeyBytes; ++number) {
    const std::string digits = sha256_hex("osiris content " + std::to_string(number) + " " + std::string(secret));
    for (size_t at = 0; at < digits.size(); at += kDigitsOfAWord)
      words_.push_back(std::stoull(digits.substr(at, kDigitsOfAWord), nullptr, 16));
  }
}

void ContentHash::update(std::string_view bytes) {
  size_bytes_ += bytes.size();
  if (!rest_.empty()) {
    const size_t taken = std::min(kBlockBytes - rest_.size(), bytes.size());
    rest_.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    if (rest_.size() < kBlockBytes) return;
    add_block(rest_.data(), kBlockBytes);
    rest_.clear();
  }
  for (; bytes.size() >= kBlockBytes; bytes.remove_prefix(kBlockBytes)) add_block(bytes.data(), kBlockBytes);
  rest_.append(bytes);
}

std::array<char, 32> ContentHash::Key::nh(const char* block, size_t bytes) const {
  static const bool is_wide = __builtin_cpu_supports("avx2");
  const auto* const key = reinterpret_cast<const char*>(words_.data());
  Sums sums = {};
  const size_t done = is_wide ? add_two_by_two(block, key, bytes, sums) : 0;
  add_groups(block + done, key + done, bytes - done, sums);
  return std::bit_cast<std::array<char, 32>>(sums);
}

// Whole groups.
void ContentHash::add_block(const char* block, size_t bytes) {
  const auto made = key_.nh(block, bytes);
  blocks_.update({made.data(), made.size()});
}

std::string ContentHash::hex() {
  if (!rest_.empty()) {
    rest_.resize((rest_.size() + kGroupBytes - 1) / kGroupBytes * kGroupBytes, '\0');
    add_block(rest_.data(), rest_.size());
  }
  blocks_.update(" " + std::to_string(size_bytes_));
  return blocks_.hex();
}

}  // namespace osiris
