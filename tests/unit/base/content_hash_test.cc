// A hash that recognises contents: every byte, their order and their number count, and the key.
#include "protocol/base/content_hash.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstring>
#include <random>
#include <set>
#include <vector>

#include "protocol/base/sha256.h"

namespace osiris {
namespace {

std::string hash_of(std::string_view bytes, std::string_view secret = "secret", size_t piece = SIZE_MAX) {
  const ContentHash::Key key(secret);
  ContentHash hash(key);
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) hash.update(bytes.substr(0, piece));
  return hash.hex();
}

std::string random_text(size_t size) {
  std::mt19937_64 random(7);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

TEST(ContentHash, ThePiecesMakeNoDifference) {
  const std::string text = random_text(100'003);
  const std::string whole = hash_of(text);
  EXPECT_EQ(whole.size(), 64u);
  for (const size_t piece : {1u, 7u, 8191u, 8192u, 8193u, 65536u})
    EXPECT_EQ(hash_of(text, "secret", piece), whole) << piece;
}

// The words of a key, as they follow from the secret.
std::vector<uint32_t> key_words(const std::string& secret) {
  std::vector<uint32_t> words;
  for (int number = 0; words.size() < 2'048 + 12; ++number) {
    const std::string digits = sha256_hex("osiris content " + std::to_string(number) + " " + secret);
    for (size_t at = 0; at < digits.size(); at += 16) {
      const uint64_t both = std::stoull(digits.substr(at, 16), nullptr, 16);
      words.push_back(static_cast<uint32_t>(both));
      words.push_back(static_cast<uint32_t>(both >> 32));
    }
  }
  return words;
}

// Whatever instructions a processor has: two machines hash one content alike.
TEST(ContentHash, TheSumsOfABlockAreThoseOfTheDefinition) {
  const std::string text = random_text(ContentHash::kBlockBytes + 3);
  const std::vector<uint32_t> key = key_words("secret");
  for (const size_t bytes : {16u, 32u, 48u, 80u, 8176u, 8192u}) {
    std::vector<uint32_t> words(bytes / sizeof(uint32_t));
    std::memcpy(words.data(), text.data() + 3, bytes);
    std::array<uint64_t, 4> sums = {};
    for (size_t pass = 0; pass < sums.size(); ++pass)
      for (size_t i = 0; i < words.size(); i += 2)
        sums[pass] += uint64_t{words[i] + key[i + 4 * pass]} * uint64_t{words[i + 1] + key[i + 1 + 4 * pass]};
    EXPECT_EQ(ContentHash::Key("secret").nh(text.data() + 3, bytes), (std::bit_cast<std::array<char, 32>>(sums)))
        << bytes;
  }
}

TEST(ContentHash, EachByteCounts) {
  std::string text = random_text(20'000);
  std::set<std::string> seen = {hash_of(text)};
  for (const size_t at : {0u, 1u, 8u, 4095u, 8191u, 8192u, 16384u, 19'999u}) {
    text[at] = static_cast<char>(text[at] ^ 1);
    EXPECT_TRUE(seen.insert(hash_of(text)).second) << at;
  }
}

TEST(ContentHash, SoDoTheirOrderTheirNumberAndTheKey) {
  const std::string text = random_text(3 * 8192);
  std::set<std::string> seen = {hash_of(text)};
  EXPECT_TRUE(seen.insert(hash_of(text.substr(8192) + text.substr(0, 8192))).second) << "blocks that change places";
  EXPECT_TRUE(seen.insert(hash_of(text.substr(8) + text.substr(0, 8))).second) << "words that change places";
  EXPECT_TRUE(seen.insert(hash_of(text, "another")).second);
  for (const size_t zeros : {0u, 1u, 2u, 15u, 16u, 17u, 8191u, 8192u, 8193u})
    EXPECT_TRUE(seen.insert(hash_of(std::string(zeros, '\0'))).second) << zeros << " zeros";
}

TEST(ContentHash, ManyTextsThatDifferLittleAllDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 2'000; ++i) seen.insert(hash_of("id,name\n1,a\n" + std::to_string(i) + ",b\n"));
  EXPECT_EQ(seen.size(), 2'000u);
}

}  // namespace
}  // namespace osiris
