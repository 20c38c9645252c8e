// Which files a path means, and files that are none.
#include "tests/drivers/filesystem.parquet_extractor/extract.h"

namespace osiris::worker::test {
namespace {

TEST(ParquetFiles, APatternsFilesAreReadInTheOrderOfTheirNames) {
  StepHarness step;
  for (const char* name : {"c", "a", "b"})
    write_parquet(step, std::string("in/") + name + ".parquet", std::string("SELECT '") + name + "' AS name");
  write_parquet(step, "in/.hidden.parquet", "SELECT 'hidden' AS name");
  write_parquet(step, "in/deep/d.parquet", "SELECT 'd' AS name");
  EXPECT_EQ(extract(step, "in/*.parquet").rows, "a\nb\nc\n");
  EXPECT_NE(all_logs(step).find("3 files, from in/a.parquet to in/c.parquet"), std::string::npos) << all_logs(step);
}

TEST(ParquetFiles, TwoStarsAreDirectoriesOfAnyDepth) {
  StepHarness step;
  write_parquet(step, "in/a.parquet", "SELECT 1 AS x");
  write_parquet(step, "in/b/c/d.parquet", "SELECT 2 AS x");
  EXPECT_EQ(extract(step, "in/**/*.parquet").rows, "1\n2\n");
}

TEST(ParquetFiles, AFileWhoseNameLooksLikeAPatternIsThatFile) {
  StepHarness step;
  write_parquet(step, "in/a1.parquet", "SELECT 'other' AS x");
  write_parquet(step, "in/plain.parquet", "SELECT 'this' AS x");
  std::filesystem::rename(step.work_dir() / "in/plain.parquet", step.work_dir() / "in/a[1].parquet");
  EXPECT_EQ(extract(step, "in/a[1].parquet").rows, "this\n");
}

TEST(ParquetFiles, WhatAPlanSaysOfAPatternCountsAndNotWhatIsThere) {
  StepHarness step;
  write_parquet(step, "elsewhere/0001/a.parquet", "SELECT 'planned' AS x");
  write_parquet(step, "in/b.parquet", "SELECT 'not planned' AS x");
  step.plan_match("in/*.parquet", "in/a.parquet", "elsewhere/0001/a.parquet");
  EXPECT_EQ(extract(step, "in/*.parquet").rows, "planned\n");
}

TEST(ParquetFiles, ABaseDirectoryIsWhereAPatternBegins) {
  StepHarness step;
  step.set_connection("filesystem", "lake", Json::object({{"base_dir", "lake"}}));
  write_parquet(step, "lake/in/a.parquet", "SELECT 5 AS x");
  EXPECT_EQ(extract(step, "in/*.parquet").rows, "5\n");
}

TEST(ParquetFiles, AnErrorNamesTheFileThatIsNone) {
  struct Case {
    const char* bytes;
    const char* error;
  };
  for (const Case& each : {Case{"", "in/b.parquet is empty"}, Case{"id,name\n1,x\n", "in/b.parquet is no Parquet file"},
                           Case{"PAR1abc", "in/b.parquet is cut short"}, Case{"PAR", "in/b.parquet is no Parquet file"},
                           Case{"PARE1234567890PARE", "in/b.parquet is an encrypted Parquet file"}}) {
    StepHarness step;
    write_parquet(step, "in/a.parquet", "SELECT 1 AS x");
    step.write_file("in/b.parquet", each.bytes);
    const Extracted got = extract(step, "in/*.parquet");
    EXPECT_NE(got.error.find(each.error), std::string::npos) << got.error;
    EXPECT_FALSE(got.hint.empty()) << got.error;
    EXPECT_EQ(got.category, "extract.schema_mismatch");
  }
}

TEST(ParquetFiles, ATruncatedFileIsNamed) {
  StepHarness step;
  write_parquet(step, "in/a.parquet", "SELECT 1 AS x");
  write_parquet(step, "in/b.parquet", "SELECT i AS x FROM range(10000) t(i)");
  const std::string whole = step.read_file("in/b.parquet");
  for (const size_t bytes : {size_t{1}, size_t{8}, whole.size() / 2, whole.size() - 1}) {
    step.write_file("in/b.parquet", whole.substr(0, bytes));
    EXPECT_NE(extract(step, "in/*.parquet").error.find("in/b.parquet"), std::string::npos) << bytes;
  }
}

TEST(ParquetFiles, AFooterOfGarbageIsNamed) {
  StepHarness step;
  write_parquet(step, "in/a.parquet", "SELECT 1 AS x");
  step.write_file("in/b.parquet", "PAR1" + std::string(60, 'x') + std::string("\x20\0\0\0", 4) + "PAR1");
  EXPECT_NE(extract(step, "in/*.parquet").error.find("in/b.parquet cannot be read as Parquet"), std::string::npos);
  step.write_file("in/b.parquet", "PAR1" + std::string(60, 'x') + std::string("\xff\xff\xff\x7f", 4) + "PAR1");
  EXPECT_NE(extract(step, "in/*.parquet").error.find("in/b.parquet cannot be read as Parquet"), std::string::npos);
}

TEST(ParquetFiles, ADamagedPageIsNamedByItsFile) {
  StepHarness step;
  for (const char* name : {"a", "b", "c"})
    write_parquet(step, std::string("in/") + name + ".parquet", "SELECT md5(i::VARCHAR) AS x FROM range(20000) t(i)",
                  "COMPRESSION zstd");
  std::string bytes = step.read_file("in/b.parquet");
  bytes.replace(bytes.size() / 2, 2000, 2000, '\x55');
  step.write_file("in/b.parquet", bytes);
  const Extracted got = extract(step, "in/*.parquet");
  EXPECT_NE(got.error.find("in/b.parquet cannot be read as Parquet"), std::string::npos) << got.error;
}

TEST(ParquetFiles, NoMatchIsAnErrorThatNamesThePattern) {
  StepHarness step("read");
  const Extracted got = extract(step, "in/*.parquet");
  EXPECT_EQ(got.error, "Step read: no Parquet file matches 'in/*.parquet'");
  EXPECT_EQ(got.category, "extract.no_data");
  EXPECT_NE(extract(step, "in/a.parquet").error.find("Parquet file not found"), std::string::npos);
  std::filesystem::create_directories(step.work_dir() / "in/a.parquet");
  EXPECT_NE(extract(step, "in/a.parquet").error.find("Path is not a file"), std::string::npos);
}

TEST(ParquetFiles, AFileWithoutRowsGivesItsColumns) {
  StepHarness step;
  write_parquet(step, "in.parquet", "SELECT 1::BIGINT AS id, 'x' AS name LIMIT 0");
  const Extracted got = extract(step, "in.parquet");
  EXPECT_EQ(got.error, "");
  EXPECT_EQ(got.columns, "id BIGINT, name VARCHAR");
}

}  // namespace
}  // namespace osiris::worker::test
