// Runs after runs over a table that grows.
#include <gmock/gmock.h>

#include "tests/drivers/sqlite.extractor/database.h"

namespace osiris::worker::test {
namespace {

using ::testing::HasSubstr;

class SqliteIncremental : public testing::Test {
 protected:
  // The ids that a run takes, or its error.
  std::string take(const std::string& query = {}) {
    StepHarness step;
    Json config = Json::object({{"path", file_.string()}, {"incremental", incremental_}});
    config.set(query.empty() ? "table" : "query", query.empty() ? "ticks" : query);
    step.set_config(config);
    step.set_previous_state(state_);
    const auto outcome = step.run(sqlite_extractor());
    if (!outcome.ok()) return outcome.error().message;
    if (!step.new_state().is_null()) state_ = step.new_state();
    return step.query("SELECT coalesce(string_agg(id, ' ' ORDER BY id), '') FROM {out}");
  }
  void put(const std::string& sql) { sqlite(files_, sql, "ticks.db"); }

  StepHarness files_;
  std::filesystem::path file_ = files_.work_dir() / "ticks.db";
  Json incremental_ = Json::object({{"column", "at"}, {"key", Json::array({"id"})}});
  Json state_;
};

TEST_F(SqliteIncremental, TakesEachRowOnceWhateverTiesAndTypes) {
  for (const auto& [type, values] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"INTEGER", {"-9223372036854775808", "9223372036854775806", "9223372036854775807"}},
           {"TEXT", {"''", "'B'", "'a'"}},
           {"TEXT COLLATE NOCASE", {"'Z'", "'_'", "'a'"}},
           {"DATETIME", {"'2024-01-01 10:00:00'", "'2024-01-01 10:00:00.5'", "'2024-02-01'"}}}) {
    SCOPED_TRACE(type);
    state_ = Json();
    const auto insert = [&](int id, const std::string& value) {
      put("INSERT INTO ticks VALUES (" + std::to_string(id) + ", " + value + ")");
    };
    put("DROP TABLE IF EXISTS ticks; CREATE TABLE ticks (id INTEGER, at " + type + ")");
    insert(1, values[0]);
    insert(2, values[1]);
    EXPECT_EQ(take(), "1 2\n");
    EXPECT_EQ(take(), "\n");
    insert(3, values[1]);
    EXPECT_EQ(take(), "3\n");
    insert(4, values[2]);
    insert(5, values[1]);
    EXPECT_EQ(take("SELECT * FROM ticks;"), "4 5\n");
    EXPECT_EQ(take(), "\n");
  }
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
