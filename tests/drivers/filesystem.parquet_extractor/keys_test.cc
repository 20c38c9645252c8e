// One test per config key.
#include "tests/drivers/filesystem.parquet_extractor/extract.h"

namespace osiris::worker::test {
namespace {

constexpr char kThree[] = "SELECT i AS id, 'n' || i AS name, i * 2 AS twice FROM range(3) t(i)";

TEST(ParquetKeys, ColumnsAreTheseInThisOrder) {
  StepHarness step;
  write_parquet(step, "in.parquet", kThree);
  const Extracted got =
      extract(step, Json::object({{"path", "in.parquet"}, {"columns", Json::array({"twice", "ID"})}}));
  EXPECT_EQ(got.columns, "twice BIGINT, id BIGINT");
  EXPECT_EQ(got.rows, "0|0\n2|1\n4|2\n");
}

TEST(ParquetKeys, AColumnThatIsNotThereIsAnErrorWithTheNearest) {
  StepHarness step;
  write_parquet(step, "in.parquet", kThree);
  const Extracted got = extract(step, Json::object({{"path", "in.parquet"}, {"columns", Json::array({"nmae"})}}));
  EXPECT_NE(got.error.find("'columns' names column 'nmae', which is not there"), std::string::npos) << got.error;
  EXPECT_EQ(got.hint, "did you mean 'name'?");
}

TEST(ParquetKeys, LimitIsOfAllFilesTogether) {
  StepHarness step;
  write_parquet(step, "in/a.parquet", kThree);
  write_parquet(step, "in/b.parquet", kThree);
  EXPECT_EQ(extract(step, Json::object({{"path", "in/*.parquet"}, {"limit", 4}})).rows,
            "0|n0|0\n1|n1|2\n2|n2|4\n0|n0|0\n");
  step.sql("DROP TABLE " + step.output_table().quoted());
  EXPECT_NE(extract(step, Json::object({{"path", "in/*.parquet"}, {"limit", 0}})).error.find("'limit'"),
            std::string::npos);
}

TEST(ParquetKeys, DescribeReadsASample) {
  StepHarness step;
  write_parquet(step, "in.parquet", "SELECT i AS id FROM range(5000) t(i)");
  step.set_config({{"path", "in.parquet"}});
  ASSERT_TRUE(filesystem_parquet_extractor().describe(step).ok());
  EXPECT_EQ(step.output_columns(), "id BIGINT");
  EXPECT_EQ(step.query("SELECT count(*) FROM {out}"), "1000\n");
}

}  // namespace
}  // namespace osiris::worker::test
