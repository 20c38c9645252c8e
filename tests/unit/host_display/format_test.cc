#include "host/display/format.h"

#include <gtest/gtest.h>

#include "protocol/base/json.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris {
namespace {

TEST(Format, WritesNumbersForPeople) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1234567), "1,234,567");
  EXPECT_EQ(format_rate(0, 1), "");
  EXPECT_EQ(format_rate(500, 1), "500 rows/s");
  EXPECT_EQ(format_rate(12'500'000, 5), "2.5 M rows/s");
  EXPECT_EQ(format_duration(0.041), "0.04s");
  EXPECT_EQ(format_duration(12.34), "12.3s");
  EXPECT_EQ(format_duration(185), "3m 05s");
  EXPECT_EQ(format_duration(7380), "2h 03m");
  EXPECT_EQ(format_bytes(512), "512 B");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
}

TEST(Printable, KeepsTextAndTakesTheTerminalOutOfIt) {
  EXPECT_EQ(printable("größe ✓ 日本"), "größe ✓ 日本");
  EXPECT_EQ(printable("a\x1b[2Jb\x07"), "a?[2Jb?");
  EXPECT_EQ(printable("x\xff\xfey"), "x??y");
  EXPECT_EQ(printable("c1:\xc2\x9b!"), "c1:?!");
  EXPECT_EQ(printable("a\nb"), "a b");
  EXPECT_EQ(printable("a\nb", true), "a\nb");
}

TEST(Printable, TakesOutWhatReordersOrHidesText) {
  for (const char* mark : {"\u202e", "\u200f", "\u061c", "\u2028", "\ufeff", "\u2066", "\U000e0041", "\x7f", "\u0085"})
    EXPECT_EQ(printable(std::string("a") + mark + "b"), "a?b") << to_hex(mark);
  EXPECT_EQ(printable("⚠️ 👩‍🔬 می‌خواهم"), "⚠️ 👩‍🔬 می‌خواهم")
      << "joiners and variants are text";
}

TEST(TerminalText, LeavesColoursAndLinesAndTakesOutEverythingElseThatActs) {
  EXPECT_EQ(terminal_text("\x1b[31m❌ x\x1b[0m\n"), "\x1b[31m❌ x\x1b[0m\n");
  EXPECT_EQ(terminal_text("a\x1b[2Jb\x1b]0;title\x07"
                          "c\r\xc2\x9b"),
            "a?[2Jb?]0;title?c??");
  EXPECT_EQ(terminal_text("a\tb"), "a\tb");
}

TEST(TerminalJson, IsTheSameDocumentWithoutWhatActsOnATerminal) {
  const Json document = Json::object({{"a\x7f", "x\xc2\x9b\u202e\U000e0041\x1b y"}, {"ö", 1}});
  const std::string text = terminal_json(document.dump_pretty());
  EXPECT_EQ(*parse_json(text), document) << text;
  EXPECT_EQ(terminal_text(text), text);
  EXPECT_NE(text.find("ö"), std::string::npos);
}

TEST(Excerpt, SaysHowMuchIsLeftOutAndWhereTheWholeIs) {
  EXPECT_EQ(excerpt("short", "x"), "short");
  const std::string cut = excerpt(std::string(1999, 'x') + "ö" + std::string(1'000'000, 'y'), "the log has all");
  EXPECT_EQ(cut, std::string(1999, 'x') + " … (1,000,002 bytes more; the log has all)") << "never inside a character";
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += "line\n";
  EXPECT_LT(excerpt(lines, "x").size(), 250u);
}

TEST(Width, CountsColumnsAndNotBytes) {
  EXPECT_EQ(display_width("größe"), 5u);
  EXPECT_EQ(display_width("日本"), 4u);
  EXPECT_EQ(fit("extract-orders", 8), "extract…");
  EXPECT_EQ(fit("short", 8), "short");
  EXPECT_EQ(fit("日本語", 4), "日…");
  EXPECT_EQ(pad("é", 3, true), "  é");
}

TEST(Width, ChangesAtTheEdgesOfEachRange) {
  const auto width = [](char32_t point) {
    std::string text;
    append_utf8(text, point);
    return display_width(text);
  };
  const std::pair<char32_t, char32_t> wide[] = {{0x1100, 0x115F},   {0x2E80, 0xA4CF},  {0xAC00, 0xD7A3},
                                                {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},  {0xFF00, 0xFF60},
                                                {0x1F300, 0x1FAFF}, {0x20000, 0x3FFFD}};
  for (const auto& [first, last] : wide)
    EXPECT_TRUE(width(first - 1) == 1 && width(first) == 2 && width(last) == 2 && width(last + 1) == 1)
        << std::hex << static_cast<uint32_t>(first);
  const std::pair<char32_t, char32_t> without[] = {{0x300, 0x36F}, {0x200D, 0x200D}, {0xFE00, 0xFE0F}};
  for (const auto& [first, last] : without)
    EXPECT_TRUE(width(first - 1) == 1 && width(first) == 0 && width(last) == 0 && width(last + 1) == 1)
        << std::hex << static_cast<uint32_t>(first);
}

TEST(Width, OfAColourIsNoneAndOfAnotherSequenceItsText) {
  EXPECT_EQ(terminal_text("\x1b[1;32mok\x1b[0m"), "\x1b[1;32mok\x1b[0m");
  for (const char* other : {"\x1b[1;32", "\x1b[1;32k", "\x1b["})
    EXPECT_EQ(terminal_text(other), "?" + std::string(other).substr(1)) << "it is no colour";
}

TEST(Table, AlignsColumnsAndLeavesNoTrailingBlanks) {
  Table table({{"Step"}, {"Rows", true}});
  table.row({"größe", "5"});
  table.row({"a", "1,000"});
  EXPECT_EQ(table.text(), "Step    Rows\n─────  ─────\ngröße      5\na      1,000\n");
}

}  // namespace
}  // namespace osiris
