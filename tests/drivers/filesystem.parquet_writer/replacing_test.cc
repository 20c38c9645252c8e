// The file appears whole, in the place of the old one.
#include <sys/stat.h>

#include "tests/drivers/filesystem.parquet_writer/write.h"

namespace osiris::worker::test {
namespace {

TEST(ParquetReplacing, AnOldFileKeepsItsModeAndIsReplacedWhole) {
  StepHarness step;
  const auto target = step.write_file("out.parquet", "old");
  ASSERT_EQ(::chmod(target.c_str(), 0640), 0);
  step.add_input("rows", "SELECT 42 AS x");
  EXPECT_EQ(write(step), "");
  struct stat info{};
  ASSERT_EQ(::stat(target.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0640u);
  EXPECT_EQ(read_back(step, "SELECT x FROM read_parquet({file})"), "42\n");
  EXPECT_EQ(step.files_in("."), std::vector<std::string>{"out.parquet"});
}

TEST(ParquetReplacing, TheReportedOutputIsTheFile) {
  StepHarness step;
  step.add_input("rows", "SELECT i AS x FROM range(7) t(i)");
  EXPECT_EQ(write(step), "");
  ASSERT_EQ(step.outputs().size(), 1u);
  EXPECT_EQ(step.outputs()[0].file.path, "out.parquet");
  EXPECT_EQ(step.outputs()[0].rows, 7u);
}

TEST(ParquetReplacing, ALinkADirectoryAndADeviceAreRefused) {
  StepHarness step;
  step.add_input("rows", "SELECT 1 AS x");
  step.write_file("there.parquet", "old");
  std::filesystem::create_symlink(step.work_dir() / "there.parquet", step.work_dir() / "link.parquet");
  std::filesystem::create_directories(step.work_dir() / "dir.parquet");
  EXPECT_NE(write(step, Json::object({{"path", "link.parquet"}})).find("a symbolic link"), std::string::npos);
  EXPECT_NE(write(step, Json::object({{"path", "dir.parquet"}})).find("a directory"), std::string::npos);
  EXPECT_NE(write(step, Json::object({{"path", "/dev/null"}})).find("not a regular file"), std::string::npos);
  EXPECT_EQ(step.read_file("there.parquet"), "old");
}

TEST(ParquetReplacing, AFailureLeavesTheOldFileAndNoDirectory) {
  StepHarness step;
  step.write_file("out.parquet", "old");
  step.add_input("rows", "SELECT 170141183460469231731687303715884105727::HUGEINT AS wide");
  const std::string error = write(step);
  EXPECT_NE(error.find("column 'wide' (HUGEINT) cannot be kept in Parquet as DECIMAL(38,0)"), std::string::npos)
      << error;
  EXPECT_EQ(step.read_file("out.parquet"), "old");
  EXPECT_NE(write(step, Json::object({{"path", "new/deep/out.parquet"}})), "");
  EXPECT_EQ(step.files_in("."), std::vector<std::string>{"out.parquet"});
}

}  // namespace
}  // namespace osiris::worker::test
