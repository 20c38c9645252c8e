// The target is the old file or the new one, whatever happens while writing.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "tests/drivers/filesystem.csv_writer/write.h"
#include "tests/support/small_disk.h"

namespace osiris::worker::test {
namespace {

constexpr const char* kManyRows = "SELECT i AS a, 'some text that fills the file' AS b FROM range(200000) t(i)";

// Sets a limit on the size of files for one scope: the write that crosses it fails with EFBIG, as a full quota does.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limit{bytes, old_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_{};
  void (*old_handler_)(int) = nullptr;
};

TEST(CsvWriterReplacing, AnOldFileIsReplacedAndItsModeKept) {
  StepHarness step("save");
  const auto file = step.write_file("out.csv", "old\n");
  chmod(file.c_str(), 0600);
  step.add_input("rows", "SELECT 1 AS a");
  step.set_config({{"path", "out.csv"}});
  ASSERT_TRUE(step.run(filesystem_csv_writer()).ok());
  EXPECT_EQ(step.read_file("out.csv"), "a\n1\n");
  EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms(0600));
}

TEST(CsvWriterReplacing, ANewFileHasTheModeThatTheUmaskLeaves) {
  for (const mode_t mask : {mode_t{077}, mode_t{002}}) {
    StepHarness step("save");
    step.add_input("rows", "SELECT 1 AS a");
    step.set_config({{"path", "out.csv"}});
    const mode_t before = umask(mask);
    ASSERT_TRUE(step.run(filesystem_csv_writer()).ok());
    umask(before);
    EXPECT_EQ(static_cast<mode_t>(std::filesystem::status(step.work_dir() / "out.csv").permissions()), 0666 & ~mask);
  }
}

TEST(CsvWriterReplacing, AnOldFileKeepsItsOwner) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  StepHarness step("save");
  const auto file = step.write_file("out.csv", "old\n");
  ASSERT_EQ(chown(file.c_str(), 1234, 1235), 0);
  step.add_input("rows", "SELECT 1 AS a");
  step.set_config({{"path", "out.csv"}});
  ASSERT_TRUE(step.run(filesystem_csv_writer()).ok());
  struct stat now;
  ASSERT_EQ(stat(file.c_str(), &now), 0);
  EXPECT_EQ(now.st_uid, 1234u);
  EXPECT_EQ(now.st_gid, 1235u);
}

TEST(CsvWriterReplacing, ALinkIsLeftAsItIs) {
  StepHarness step("save");
  step.write_file("real.csv", "old\n");
  std::filesystem::create_symlink("real.csv", step.work_dir() / "out.csv");
  step.add_input("rows", "SELECT 1 AS a");
  step.set_config({{"path", "out.csv"}});
  const auto outcome = step.run(filesystem_csv_writer());
  ASSERT_FALSE(outcome.ok());
  EXPECT_NE(outcome.error().message.find("it is a symbolic link"), std::string::npos);
  EXPECT_EQ(step.read_file("real.csv"), "old\n");
  EXPECT_TRUE(std::filesystem::is_symlink(step.work_dir() / "out.csv"));
}

TEST(CsvWriterReplacing, WhenNoMoreBytesFitTheOldFileStays) {
  StepHarness step("save");
  step.write_file("out.csv", "old\n");
  step.add_input("rows", kManyRows);
  step.set_config({{"path", "out.csv"}});
  const FileSizeLimit limit(1 << 20);
  const auto outcome = step.run(filesystem_csv_writer());
  ASSERT_FALSE(outcome.ok());
  EXPECT_NE(outcome.error().message.find("out.csv"), std::string::npos) << outcome.error().message;
  EXPECT_EQ(step.read_file("out.csv"), "old\n");
  EXPECT_EQ(step.files_in(), std::vector<std::string>{"out.csv"});
  EXPECT_TRUE(step.outputs().empty());
}

// A file system of 256 KiB, where the machine lets us mount one.
TEST(CsvWriterReplacing, AFullDiskIsNamedAndTheOldFileStays) {
  StepHarness step("save");
  const osiris::test::SmallDisk disk(step.work_dir() / "disk", "256k");
  OSIRIS_NEEDS_DISK(disk);
  step.write_file("disk/out.csv", "old\n");
  step.add_input("rows", kManyRows);
  step.set_config({{"path", "disk/out.csv"}});
  const auto outcome = step.run(filesystem_csv_writer());
  EXPECT_FALSE(outcome.ok());
  if (!outcome.ok()) {
    EXPECT_EQ(outcome.error().category, "write.disk_full");
    EXPECT_EQ(code_name(outcome.error().code), code_name(Code::kExhausted));
    EXPECT_NE(outcome.error().message.find("No space left on device"), std::string::npos) << outcome.error().message;
  }
  EXPECT_EQ(step.read_file("disk/out.csv"), "old\n");
  EXPECT_EQ(step.files_in("disk"), std::vector<std::string>{"out.csv"});
}

TEST(CsvWriterReplacing, CancelLeavesTheOldFileAndNoDirectoriesOfItsOwn) {
  StepHarness step("save");
  step.add_input("rows", kManyRows);
  step.set_config({{"path", "new/deep/out.csv"}});
  step.cancel_at_progress(1000);
  const auto outcome = step.run(filesystem_csv_writer());
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(code_name(outcome.error().code), code_name(Code::kCancelled));
  EXPECT_TRUE(step.files_in().empty());
}

TEST(CsvWriterReplacing, OnlyARegularFileIsReplaced) {
  for (const bool directory : {true, false}) {
    StepHarness step("save");
    const auto target = step.work_dir() / "out.csv";
    if (directory) {
      std::filesystem::create_directory(target);
    } else {
      ASSERT_EQ(mkfifo(target.c_str(), 0600), 0);
    }
    step.add_input("rows", "SELECT 1 AS a");
    step.set_config({{"path", "out.csv"}});
    EXPECT_FALSE(step.check(filesystem_csv_writer()).ok());
    const auto outcome = step.run(filesystem_csv_writer());
    ASSERT_FALSE(outcome.ok());
    EXPECT_NE(outcome.error().message.find(directory ? "it is a directory" : "not a regular file"), std::string::npos);
    EXPECT_TRUE(std::filesystem::exists(target));
  }
}

TEST(CsvWriterReplacing, AParentThatIsAFileIsAnError) {
  StepHarness step("save");
  step.write_file("plain", "x");
  step.add_input("rows", "SELECT 1 AS a");
  step.set_config({{"path", "plain/out.csv"}});
  const auto outcome = step.run(filesystem_csv_writer());
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(step.read_file("plain"), "x");
  EXPECT_EQ(step.files_in(), std::vector<std::string>{"plain"});
}

TEST(CsvWriterReplacing, AStreamLargerThanTheMemoryLimitGoesThrough) {
  StepHarness step("save", {{"memory_limit", "64MiB"}});
  step.add_input("rows", "SELECT i AS a, repeat(md5(i::VARCHAR), 4) AS b FROM range(1000000) t(i)");
  step.set_config({{"path", "out.csv"}, {"header", false}});
  const auto outcome = step.run(filesystem_csv_writer());
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_EQ(outcome->rows_written, 1000000u);
  EXPECT_EQ(std::filesystem::file_size(step.work_dir() / "out.csv"), 5888890u + 1000000u * 130u);
}

}  // namespace
}  // namespace osiris::worker::test
