#include "protocol/base/utf8.h"

#include <gtest/gtest.h>

namespace osiris {
namespace {

TEST(Utf8, ReadsCharactersOfEveryLength) {
  const std::pair<const char*, char32_t> known[] = {
      {"a", 'a'}, {"ě", 0x11b}, {"映", 0x6620}, {"😀", 0x1f600}, {"\U0010ffff", 0x10ffff}};
  for (const auto& [text, point] : known) {
    const Utf8Character character = first_utf8(std::string(text) + "rest");
    EXPECT_TRUE(character.is_valid) << text;
    EXPECT_EQ(character.point, point);
    EXPECT_EQ(character.size_bytes, std::string_view(text).size());
    std::string written;
    append_utf8(written, point);
    EXPECT_EQ(written, text);
  }
}

TEST(Utf8, TakesNothingElse) {
  // Cut off, not the shortest form, half of a pair, beyond Unicode, a continuation alone, bytes that never occur.
  for (const char* bytes : {"\xc4", "\xe6\x98", "\xf0\x9f\x98", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
                            "\xf4\x90\x80\x80", "\x9b", "\xff", "\xc4x"}) {
    const Utf8Character character = first_utf8(bytes);
    EXPECT_FALSE(character.is_valid) << bytes;
    EXPECT_EQ(character.point, kReplacementCharacter);
    EXPECT_EQ(character.size_bytes, 1u);
    EXPECT_FALSE(is_valid_utf8(bytes));
  }
  EXPECT_TRUE(is_valid_utf8("aě映😀"));
  EXPECT_TRUE(is_valid_utf8(""));
}

TEST(Utf8, ReplacesWhatIsNone) {
  EXPECT_EQ(valid_utf8("a\xff\xc4z"), "a\xEF\xBF\xBD\xEF\xBF\xBDz");
  EXPECT_EQ(valid_utf8("aě"), "aě");
}

TEST(Utf8, CountsCharactersAndDropsTheMark) {
  EXPECT_EQ(count_utf8("aě映😀"), 4u);
  EXPECT_EQ(without_utf8_mark("\xef\xbb\xbf"
                              "a"),
            "a");
  EXPECT_EQ(without_utf8_mark("a"), "a");
}

TEST(PrintableLine, KeepsTextAndReplacesTheRest) {
  EXPECT_EQ(printable_line("a\tb \xc4\x9b"), "a\tb \xc4\x9b");
  EXPECT_EQ(printable_line(std::string_view("\0\x1b\x7f\xff\xc4", 5)), "?????");
  EXPECT_TRUE(is_valid_utf8(printable_line("\xed\xa0\x80 \xf4\x90\x80\x80 \xc0\xaf")));
}

}  // namespace
}  // namespace osiris
