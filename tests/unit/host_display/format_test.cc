#include "host/display/format.h"

#include <gtest/gtest.h>

#include "protocol/base/json.h"
#include "protocol/base/text.h"

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

TEST(Table, AlignsColumnsAndLeavesNoTrailingBlanks) {
  Table table({{"Step"}, {"Rows", true}});
  table.row({"größe", "5"});
  table.row({"a", "1,000"});
  EXPECT_EQ(table.text(), "Step    Rows\n─────  ─────\ngröße      5\na      1,000\n");
}

}  // namespace
}  // namespace osiris
