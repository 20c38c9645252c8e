#include "protocol/base/content_hash.h"

#include <algorithm>
#include <cstring>

namespace osiris {
namespace {

__extension__ using Uint128 = unsigned __int128;

constexpr size_t kWords = ContentHash::kBlockBytes / sizeof(uint64_t);
constexpr size_t kShift = 2;  // words between the two keys

uint64_t word_at(const char* bytes) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

}  // namespace

ContentHash::Key::Key(std::string_view secret) {
  constexpr size_t kDigitsOfAWord = 16;
  for (uint64_t number = 0; words_.size() < kWords + kShift; ++number) {
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
  const uint64_t* const key = words_.data();
  const size_t words = bytes / sizeof(uint64_t);
  Uint128 first = 0, second = 0;
  for (size_t i = 0; i < words; i += 2) {
    const uint64_t a = word_at(block + i * sizeof a), b = word_at(block + (i + 1) * sizeof b);
    first += Uint128{a + key[i]} * (b + key[i + 1]);
    second += Uint128{a + key[i + kShift]} * (b + key[i + 1 + kShift]);
  }
  const Uint128 sums[] = {first, second};
  std::array<char, 32> made;
  static_assert(sizeof made == sizeof sums);
  std::memcpy(made.data(), sums, sizeof sums);
  return made;
}

// Whole pairs of words.
void ContentHash::add_block(const char* block, size_t bytes) {
  const auto made = key_.nh(block, bytes);
  blocks_.update({made.data(), made.size()});
}

std::string ContentHash::hex() {
  if (!rest_.empty()) {
    rest_.resize((rest_.size() + kPairBytes - 1) / kPairBytes * kPairBytes, '\0');
    add_block(rest_.data(), rest_.size());
  }
  blocks_.update(" " + std::to_string(size_bytes_));
  return blocks_.hex();
}

}  // namespace osiris
