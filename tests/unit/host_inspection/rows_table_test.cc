// Rows for a terminal: bounded, and nothing in them acts.
#include "host/inspection/rows_table.h"

#include <gmock/gmock.h>

#include "host/display/format.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Json column(const char* name, const char* type) {
  return Json::object({{"name", name}, {"type", type}, {"nulls", 1}, {"min", "a"}, {"max", Json()}});
}

Json preview(size_t columns, uint64_t rows, const std::string& value) {
  Json all = Json::array(), row = Json::array();
  for (size_t i = 0; i < columns; ++i) {
    all.push_back(column(("c" + std::to_string(i)).c_str(), "VARCHAR"));
    row.push_back(value);
  }
  return Json::object({{"rows", rows}, {"columns", std::move(all)}, {"shown", Json::array({row})}});
}

size_t widest(const std::string& text) {
  size_t width = 0;
  for (const std::string& line : split(text, '\n')) width = std::max(width, display_width(line));
  return width;
}

TEST(RowsTable, IsNoWiderThanTheTerminal) {
  const std::string text = preview_text(preview(50, 1, "a value of some length"), 60);
  const std::string rows = text.substr(text.find("\n\n"));
  EXPECT_LE(widest(rows), 60u);
  EXPECT_THAT(rows, HasSubstr("columns more: --json has them"));
}

TEST(RowsTable, ShowsOneColumnHoweverNarrowTheTerminalIs) {
  EXPECT_THAT(preview_text(preview(2, 1, std::string(1000, 'x')), 1),
              AllOf(HasSubstr("…"), HasSubstr("1 column more")));
}

TEST(RowsTable, SaysHowManyRowsAreLeftOut) {
  EXPECT_THAT(preview_text(preview(1, 5'000, "x"), 80), HasSubstr("and 4,999 rows more: --limit shows them"));
  EXPECT_THAT(preview_text(preview(1, 1, "x"), 80), Not(HasSubstr("more")));
}

TEST(RowsTable, LetsNothingActOnTheTerminal) {
  const Json seen = preview(1, 1, "\x1b[2J\x07\nsecond line\xE2\x80\xAE");
  EXPECT_THAT(preview_text(seen, 80), HasSubstr("?[2J? second line?"));
}

TEST(RowsTable, OfNothing) {
  EXPECT_THAT(preview_text(Json::object(), 80), HasSubstr("Column"));
  EXPECT_EQ(difference_text(Json::object(), 80), "the same rows, in another order or another form\n");
}

TEST(RowsTable, MarksTheSidesOfADifference) {
  const auto side = [](const char* value, uint64_t rows_only) {
    return Json::object({{"rows", 9},
                         {"columns_only", Json::array()},
                         {"rows_only", rows_only},
                         {"shown", Json::array({Json::array({"1", value})})}});
  };
  Json difference =
      Json::object({{"columns", Json::array({"id", "name"})},
                    {"types", Json::array({Json::object({{"name", "id"}, {"left", "BIGINT"}, {"right", "DOUBLE"}})})},
                    {"left", side("old", 1)},
                    {"right", side("new", 3)}});
  difference.find("right")->set("columns_only", Json::array({"extra"}));
  const std::string text = difference_text(difference, 80);
  EXPECT_THAT(text, AllOf(HasSubstr("<  1   old"), HasSubstr(">  1   new"), HasSubstr("> … and 2 rows more"),
                          HasSubstr("> only here: columns extra"), HasSubstr("type of id: < BIGINT  > DOUBLE")));
}

}  // namespace
}  // namespace osiris
