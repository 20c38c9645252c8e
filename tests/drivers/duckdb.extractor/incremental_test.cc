// Runs after runs over a table that grows.
#include <gmock/gmock.h>

#include "tests/drivers/duckdb.extractor/database.h"
#include "tests/drivers/growing_file.h"

namespace osiris::worker::test {
namespace {

using ::testing::HasSubstr;

class DuckdbIncremental : public GrowingFile {
 protected:
  DuckdbIncremental()
      : GrowingFile(duckdb_extractor(), "ticks.duckdb",
                    Json::object({{"column", "ts"}, {"key", Json::array({"id", "part"})}}),
                    Json::object({{"schema", "main"}})) {}
  void put(const std::string& sql) override { fill(files_, sql, "ticks.duckdb"); }
};

TEST_F(DuckdbIncremental, TakesEachRowOnceWhateverTiesAndTypes) {
  for (const auto& [type, values] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"HUGEINT", {"-1", "170141183460469231731687303715884105726", "170141183460469231731687303715884105727"}},
           {"DECIMAL(18,4)", {"1", "1.5", "1.5001"}},
           {"TIMESTAMP_NS", {"'2024-01-01'", "'2024-01-01 00:00:00.000000001'", "'2024-01-01 00:00:00.000000002'"}},
           {"TIMESTAMPTZ", {"'2024-01-01 00:00:00+02'", "'2024-01-01 00:00:00+01'", "'2024-01-01'"}},
           {"VARCHAR", {"'B'", "'it''s'", "'ÿ'"}}})
    expect_each_row_once(type, values, "part VARCHAR, ", "'a''b', ");
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
