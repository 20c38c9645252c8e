// Columns from directories called key=value.
#include "tests/drivers/filesystem.parquet_extractor/extract.h"

namespace osiris::worker::test {
namespace {

TEST(PathColumns, AreNumbersDatesOrTextByAllTheirValues) {
  StepHarness step;
  write_parquet(step, "in/year=2024/month=01/day=2024-01-31/a.parquet", "SELECT 1 AS x");
  write_parquet(step, "in/year=2025/month=12/day=2025-12-01/a.parquet", "SELECT 2 AS x");
  const Extracted got = extract(step, "in/**/*.parquet");
  EXPECT_EQ(got.columns, "x INTEGER, year BIGINT, month VARCHAR, day DATE") << got.error;
  EXPECT_EQ(got.rows, "1|2024|01|2024-01-31\n2|2025|12|2025-12-01\n");
}

TEST(PathColumns, TextIsDecodedAndOnlyTheMarkOfNullIsNull) {
  StepHarness step;
  write_parquet(step, "in/k=a%2Fb%20c/a.parquet", "SELECT 1 AS x");
  write_parquet(step, "in/k=NULL/a.parquet", "SELECT 2 AS x");
  write_parquet(step, "in/k=__HIVE_DEFAULT_PARTITION__/a.parquet", "SELECT 3 AS x");
  EXPECT_EQ(extract(step, Json::object({{"path", "in/*/*.parquet"}})).rows, "2|NULL\n3|NULL\n1|a/b c\n");
  EXPECT_EQ(step.query("SELECT x FROM {out} WHERE k IS NULL"), "3\n");
}

TEST(PathColumns, AreThoseOfThePipelinesPathAndNotOfTheMachines) {
  StepHarness step;
  write_parquet(step, "run=7/in/year=2024/a.parquet", "SELECT 'x' AS run");
  step.set_connection("filesystem", "lake", Json::object({{"base_dir", "run=7"}}));
  const Extracted got = extract(step, "in/year=2024/a.parquet");
  EXPECT_EQ(got.columns, "run VARCHAR, year BIGINT") << got.error;
  EXPECT_EQ(got.rows, "x|2024\n");
}

TEST(PathColumns, CanBeTurnedOffAndAskedFor) {
  StepHarness step;
  write_parquet(step, "in/year=2024/a.parquet", "SELECT 1 AS x");
  write_parquet(step, "in/month=1/a.parquet", "SELECT 2 AS x");
  EXPECT_EQ(extract(step, Json::object({{"path", "in/year=2024/a.parquet"}, {"hive_partitioning", false}})).columns,
            "x INTEGER");
  step.sql("DROP TABLE " + step.output_table().quoted());
  EXPECT_EQ(extract(step, "in/*/a.parquet").columns, "x INTEGER") << "different keys";
  step.sql("DROP TABLE " + step.output_table().quoted());
  EXPECT_NE(extract(step, Json::object({{"path", "in/*/a.parquet"}, {"hive_partitioning", true}}))
                .error.find("in/month=1/a.parquet and in/year=2024/a.parquet have different keys"),
            std::string::npos);
  write_parquet(step, "plain.parquet", "SELECT 1 AS x");
  EXPECT_NE(extract(step, Json::object({{"path", "plain.parquet"}, {"hive_partitioning", true}}))
                .error.find("no directory of plain.parquet is called key=value"),
            std::string::npos);
}

TEST(PathColumns, AColumnOfTheFileAsWellIsAnError) {
  StepHarness step;
  write_parquet(step, "in/Year=2024/a.parquet", "SELECT 1999 AS year");
  EXPECT_NE(extract(step, "in/*/a.parquet").error.find("in the name of its directory"), std::string::npos);
  EXPECT_EQ(extract(step, Json::object({{"path", "in/*/a.parquet"}, {"hive_partitioning", false}})).rows, "1999\n");
}

TEST(PathColumns, CanBeChosenAsAnyColumn) {
  StepHarness step;
  write_parquet(step, "in/year=2024/a.parquet", "SELECT 1 AS x, 2 AS y");
  EXPECT_EQ(extract(step, Json::object({{"path", "in/*/a.parquet"}, {"columns", Json::array({"year", "y"})}})).rows,
            "2024|2\n");
}

}  // namespace
}  // namespace osiris::worker::test
