// Runs after runs over a table that grows.
#include <gmock/gmock.h>

#include "tests/drivers/growing_file.h"
#include "tests/drivers/sqlite.extractor/database.h"

namespace osiris::worker::test {
namespace {

using ::testing::HasSubstr;

class SqliteIncremental : public GrowingFile {
 protected:
  SqliteIncremental()
      : GrowingFile(sqlite_extractor(), "ticks.db", Json::object({{"column", "at"}, {"key", Json::array({"id"})}})) {}
  void put(const std::string& sql) override { sqlite(files_, sql, "ticks.db"); }
};

TEST_F(SqliteIncremental, TakesEachRowOnceWhateverTiesAndTypes) {
  for (const auto& [type, values] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"INTEGER", {"-9223372036854775808", "9223372036854775806", "9223372036854775807"}},
           {"TEXT", {"''", "'B'", "'a'"}},
           {"TEXT COLLATE NOCASE", {"'Z'", "'_'", "'a'"}},
           {"DATETIME", {"'2024-01-01 10:00:00'", "'2024-01-01 10:00:00.5'", "'2024-02-01'"}}})
    expect_each_row_once(type, values);
}

TEST_F(SqliteIncremental, RowsWithoutAValueAndTypesWithoutAnOrder) {
  put("CREATE TABLE ticks (id INTEGER, at INTEGER); INSERT INTO ticks VALUES (1, 1), (2, NULL)");
  EXPECT_THAT(take(), HasSubstr("1 of 2 rows have NULL in column 'at'"));
  incremental_.set("nulls", "skip");
  EXPECT_EQ(take(), "1\n");
  put("INSERT INTO ticks VALUES (3, NULL), (4, 2)");
  EXPECT_EQ(take(), "4\n");
  put("DROP TABLE ticks; CREATE TABLE ticks (id INTEGER, at REAL); INSERT INTO ticks VALUES (1, 1.5)");
  EXPECT_THAT(take(), HasSubstr("column 'at' is DOUBLE, and incremental needs"));
  incremental_.set("column", "when");
  EXPECT_THAT(take(), HasSubstr("'when'"));
}

}  // namespace
}  // namespace osiris::worker::test
