// A hash that recognises contents: every byte, their order and their number count, and the key.
#include "protocol/base/content_hash.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

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
