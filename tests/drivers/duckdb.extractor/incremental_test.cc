// Runs after runs over a table that grows.
#include <gmock/gmock.h>

#include "tests/drivers/duckdb.extractor/database.h"

namespace osiris::worker::test {
namespace {

using ::testing::HasSubstr;

class DuckdbIncremental : public testing::Test {
 protected:
  std::string take(const std::string& query = {}) {
    StepHarness step;
    Json config = Json::object({{"path", file_.string()}, {"incremental", incremental_}});
    config.set(query.empty() ? "table" : "query", query.empty() ? "ticks" : query);
    if (query.empty()) config.set("schema", "main");
    step.set_config(config);
    step.set_previous_state(state_);
    const auto outcome = step.run(duckdb_extractor());
    if (!outcome.ok()) return outcome.error().message;
    if (!step.new_state().is_null()) state_ = step.new_state();
    return step.query("SELECT coalesce(string_agg(id, ' ' ORDER BY id), '') FROM {out}");
  }
  void put(const std::string& sql) { fill(files_, sql, "ticks.duckdb"); }

  StepHarness files_;
  std::filesystem::path file_ = files_.work_dir() / "ticks.duckdb";
  Json incremental_ = Json::object({{"column", "ts"}, {"key", Json::array({"id", "part"})}});
  Json state_;
};

TEST_F(DuckdbIncremental, TakesEachRowOnceWhateverTiesAndTypes) {
  for (const auto& [type, values] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"HUGEINT", {"-1", "170141183460469231731687303715884105726", "170141183460469231731687303715884105727"}},
           {"DECIMAL(18,4)", {"1", "1.5", "1.5001"}},
           {"TIMESTAMP_NS", {"'2024-01-01'", "'2024-01-01 00:00:00.000000001'", "'2024-01-01 00:00:00.000000002'"}},
           {"TIMESTAMPTZ", {"'2024-01-01 00:00:00+02'", "'2024-01-01 00:00:00+01'", "'2024-01-01'"}},
           {"VARCHAR", {"'B'", "'it''s'", "'ÿ'"}}}) {
    SCOPED_TRACE(type);
    state_ = Json();
    const auto insert = [&](int id, const std::string& value) {
      put("INSERT INTO ticks VALUES (" + std::to_string(id) + ", 'a''b', " + value + ")");
    };
    put("DROP TABLE IF EXISTS ticks; CREATE TABLE ticks (id INTEGER, part VARCHAR, ts " + type + ")");
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

TEST_F(DuckdbIncremental, AKeyThatIsNullOrSharedByTooManyRowsIsRefused) {
  put("CREATE TABLE ticks AS SELECT 1 AS id, NULL::VARCHAR AS part, 7 AS ts");
  EXPECT_THAT(take(), HasSubstr("key column \"part\" is NULL in a row"));
  put("DROP TABLE ticks; CREATE TABLE ticks AS SELECT range AS id, 'a' AS part, 7 AS ts FROM range(10001)");
  EXPECT_THAT(take(), HasSubstr("more than 10000 rows have the greatest value"));
  incremental_.set("key", Json::array({"id", "prt"}));
  EXPECT_THAT(take(), HasSubstr("the rows have no column 'prt', which 'key' of incremental names"));
}

}  // namespace
}  // namespace osiris::worker::test
