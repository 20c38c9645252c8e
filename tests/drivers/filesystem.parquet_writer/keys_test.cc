// One test per config key.
#include "tests/drivers/filesystem.parquet_writer/write.h"

namespace osiris::worker::test {
namespace {

constexpr char kRows[] = "SELECT i AS id, 'n' || i AS name, i * 2 AS twice FROM range(5000) t(i)";

TEST(ParquetWriterKeys, ColumnsAreTheseInThisOrder) {
  StepHarness step;
  step.add_input("rows", kRows);
  EXPECT_EQ(write(step, Json::object({{"columns", Json::array({"twice", "id"})}})), "");
  EXPECT_EQ(read_back(step, "SELECT * FROM read_parquet({file}) LIMIT 2"), "0|0\n2|1\n");
  EXPECT_EQ(read_back(step, "SELECT string_agg(name, ',') FROM parquet_schema({file}) WHERE type IS NOT NULL"),
            "twice,id\n");
}

TEST(ParquetWriterKeys, WithoutColumnsTheyAreTheInputsInItsOrder) {
  StepHarness step;
  step.add_input("rows", kRows);
  EXPECT_EQ(write(step), "");
  EXPECT_EQ(read_back(step, "SELECT string_agg(name, ',') FROM parquet_schema({file}) WHERE type IS NOT NULL"),
            "id,name,twice\n");
}

TEST(ParquetWriterKeys, AColumnThatIsNotThereIsAnErrorAndNothingIsWritten) {
  StepHarness step;
  step.add_input("rows", kRows);
  EXPECT_EQ(write(step, Json::object({{"columns", Json::array({"twise"})}})),
            "'columns' names column 'twise', which is not there");
  EXPECT_TRUE(step.files_in(".").empty());
}

TEST(ParquetWriterKeys, EveryCompressionIsWhatThePagesSay) {
  const std::pair<const char*, const char*> names[] = {{"zstd", "ZSTD"},       {"snappy", "SNAPPY"},
                                                       {"gzip", "GZIP"},       {"brotli", "BROTLI"},
                                                       {"lz4_raw", "LZ4_RAW"}, {"none", "UNCOMPRESSED"}};
  for (const auto& [config, in_file] : names) {
    StepHarness step;
    step.add_input("rows", kRows);
    EXPECT_EQ(write(step, Json::object({{"compression", config}})), "");
    EXPECT_EQ(read_back(step, "SELECT DISTINCT compression FROM parquet_metadata({file})"),
              in_file + std::string("\n"));
    EXPECT_EQ(read_back(step, "SELECT sum(id), max(name) FROM read_parquet({file})"), "12497500|n999\n");
  }
  StepHarness step;
  step.add_input("rows", kRows);
  EXPECT_EQ(write(step), "");
  EXPECT_EQ(read_back(step, "SELECT DISTINCT compression FROM parquet_metadata({file})"), "ZSTD\n") << "the default";
  EXPECT_NE(write(step, Json::object({{"compression", "zip"}})).find("'compression' must be"), std::string::npos);
}

TEST(ParquetWriterKeys, ZstdIsOfLevelOne) {
  StepHarness step;
  step.add_input("rows", "SELECT 'a text of words, and number ' || hash(i) % 5000 AS word FROM range(50000) t(i)");
  EXPECT_EQ(write(step), "");
  const std::string size = "SELECT sum(total_compressed_size) FROM parquet_metadata({file})";
  const std::string written = read_back(step, size);
  for (const char* level : {"1", "9"}) {
    step.sql("COPY (SELECT * FROM read_parquet('" + (step.work_dir() / "out.parquet").string() + "')) TO '" +
             (step.work_dir() / "again.parquet").string() + "' (COMPRESSION zstd, COMPRESSION_LEVEL " + level + ")");
    EXPECT_EQ(read_back(step, size, "again.parquet") == written, *level == '1') << level;
  }
}

TEST(ParquetWriterKeys, RowGroupsHaveSoManyRows) {
  StepHarness step;
  step.add_input("rows", "SELECT i AS id FROM range(10240) t(i)");
  EXPECT_EQ(write(step, Json::object({{"row_group_size", 2048}})), "");
  EXPECT_EQ(read_back(step, "SELECT num_row_groups FROM parquet_file_metadata({file})"), "5\n");
}

TEST(ParquetWriterKeys, DirectoriesAreMadeUnlessToldOtherwise) {
  StepHarness step;
  step.add_input("rows", kRows);
  EXPECT_NE(write(step, Json::object({{"path", "a/b/out.parquet"}, {"create_dirs", false}})), "");
  EXPECT_TRUE(step.files_in(".").empty());
  EXPECT_EQ(write(step, Json::object({{"path", "a/b/out.parquet"}})), "");
  EXPECT_EQ(step.files_in("a/b").size(), 1u);
}

TEST(ParquetWriterKeys, ASuffixOfAnotherKindIsRefused) {
  for (const char* path : {"out.csv", "out.json", "out.parquet.gz", "out.xlsx"}) {
    StepHarness step;
    step.add_input("rows", kRows);
    EXPECT_NE(write(step, Json::object({{"path", path}})).find("'path' ends"), std::string::npos) << path;
    EXPECT_TRUE(step.files_in(".").empty());
  }
}

}  // namespace
}  // namespace osiris::worker::test
