// Small text helpers: RFC 4648 and RFC 3986 by their own examples, and words with typos.
#include "protocol/base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace osiris {
namespace {

using ::testing::ElementsAre;

// RFC 4648, section 10, and the two digits that are no letters.
TEST(Base64, IsThatOfTheRfc) {
  const std::pair<std::string, std::string> rows[] = {{"", ""},
                                                      {"f", "Zg=="},
                                                      {"fo", "Zm8="},
                                                      {"foo", "Zm9v"},
                                                      {"foob", "Zm9vYg=="},
                                                      {"fooba", "Zm9vYmE="},
                                                      {"foobar", "Zm9vYmFy"},
                                                      {"\xfb\xef\xff", "++//"}};
  for (const auto& [bytes, text] : rows) {
    EXPECT_EQ(base64(bytes), text);
    EXPECT_EQ(base64_decode(text), bytes) << text;
  }
}

TEST(Base64, WhatIsNoneIsRefused) {
  for (const char* text : {"Zg=", "Zg", "Z===", "=Zg=", "Zg==Zg==", "Zm 9", "Zm9-", "Zm9_", "Zm=v"})
    EXPECT_FALSE(base64_decode(text)) << text;
}

TEST(PercentEncoding, LeavesTheUnreservedCharacters) {
  EXPECT_EQ(percent_encode("azAZ09-._~"), "azAZ09-._~");
  EXPECT_EQ(percent_encode("a b/?&%+\x0f\xff"), "a%20b%2F%3F%26%25%2B%0F%FF");
}

TEST(Hex, IsLowerCase) {
  EXPECT_EQ(to_hex(std::string_view("\x00\x0f\xf0\xff", 4)), "000ff0ff");
  EXPECT_TRUE(is_hex("09af"));
  for (const char* text : {"", "0F", "0g", "0:", "0/", "0`"}) EXPECT_FALSE(is_hex(text)) << text;
}

TEST(Words, AreSplitJoinedAndTrimmed) {
  EXPECT_THAT(split("a,,b,", ','), ElementsAre("a", "", "b", ""));
  EXPECT_EQ(join({"a", "b", "c"}, ", "), "a, b, c");
  EXPECT_EQ(join({}, ", "), "");
  EXPECT_EQ(trim(" \t\r\na b\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_EQ(ascii_lower("AZaz[@É"), "azaz[@É");
}

TEST(NearestWord, IsTheOneATypoMeant) {
  const std::vector<std::string> words = {"delimiter", "encoding", "path", "paths"};
  EXPECT_EQ(nearest("delimeter", words), "delimiter");
  EXPECT_EQ(nearest("encodign", words), "encoding") << "two letters that changed places";
  EXPECT_EQ(nearest("pat", words), "path");
  EXPECT_EQ(nearest("path", words), "path");
  EXPECT_EQ(nearest("pxyh", words), "path") << "two typos are allowed in a short word";
  EXPECT_FALSE(nearest("xyz", words));
  EXPECT_FALSE(nearest("pqrst", words));
}

}  // namespace
}  // namespace osiris
