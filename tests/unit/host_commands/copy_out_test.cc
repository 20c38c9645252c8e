// --out copies what is there and leaves what it points to, waits for or stands for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/commands/run_output.h"
#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "tests/support/small_disk.h"

namespace osiris {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

class CopyOut : public testing::Test {
 protected:
  CopyOut() : directory_(fs::path(testing::TempDir()) / ("copy_out_" + std::to_string(::getpid()))) {
    fs::remove_all(directory_);
    fs::create_directories(step());
    fs::create_directories(directory_ / "precious");
    write(directory_ / "precious/file", "as it was");
    report_.session_dir = directory_ / "session";
  }
  ~CopyOut() override { fs::remove_all(directory_); }

  void write(const fs::path& file, const std::string& text) const {
    EXPECT_TRUE(write_file_atomically(file, text).ok());
  }
  Status copy() { return copy_out(report_, out()); }
  fs::path out() const { return directory_ / "delivered"; }
  fs::path step() const { return directory_ / "session/artifacts/step"; }
  fs::path copied() const { return out() / "artifacts/step"; }

  const fs::path directory_;
  RunReport report_;
};

TEST_F(CopyOut, CopiesFilesAndDirectories) {
  fs::create_directories(step() / "deep/er");
  write(step() / "deep/er/a.txt", "a");
  ASSERT_TRUE(copy().ok());
  EXPECT_EQ(*read_file(copied() / "deep/er/a.txt"), "a");
  EXPECT_THAT(report_.warnings, IsEmpty());
}

TEST_F(CopyOut, CopiesLinksAsLinks) {
  fs::create_directory_symlink("/", step() / "everything");
  fs::create_symlink(directory_ / "precious/file", step() / "file");
  fs::create_symlink("/nowhere", step() / "broken");
  for (int again = 0; again < 2; ++again) {
    ASSERT_TRUE(copy().ok());
    EXPECT_EQ(fs::read_symlink(copied() / "everything"), "/");
    EXPECT_EQ(fs::read_symlink(copied() / "file"), directory_ / "precious/file");
    EXPECT_EQ(fs::read_symlink(copied() / "broken"), "/nowhere");
  }
}

TEST_F(CopyOut, NamesWhatItLeavesOutAndCopiesTheRest) {
  ASSERT_EQ(::mkfifo((step() / "pipe").c_str(), 0600), 0);
  write(step() / "z.txt", "z");
  ASSERT_TRUE(copy().ok());
  EXPECT_EQ(*read_file(copied() / "z.txt"), "z");
  EXPECT_FALSE(fs::exists(copied() / "pipe"));
  EXPECT_THAT(report_.warnings, ElementsAre(HasSubstr("--out leaves out " + (step() / "pipe").string())));
}

// A link of an earlier run stands where this one has a file or a directory.
TEST_F(CopyOut, WritesThroughNoLinkOfAnEarlierCopy) {
  fs::create_directories(copied());
  fs::create_symlink(directory_ / "precious/file", copied() / "a.txt");
  fs::create_directory_symlink(directory_ / "precious", copied() / "sub");
  write(step() / "a.txt", "new");
  fs::create_directory(step() / "sub");
  write(step() / "sub/file", "new");
  ASSERT_TRUE(copy().ok());
  EXPECT_EQ(*read_file(directory_ / "precious/file"), "as it was");
  EXPECT_EQ(*read_file(copied() / "a.txt"), "new");
  EXPECT_EQ(*read_file(copied() / "sub/file"), "new");
}

TEST_F(CopyOut, PutsALinkWhereAFileWas) {
  write(step() / "a", "text");
  ASSERT_TRUE(copy().ok());
  fs::remove(step() / "a");
  fs::create_symlink("/nowhere", step() / "a");
  ASSERT_TRUE(copy().ok());
  EXPECT_EQ(fs::read_symlink(copied() / "a"), "/nowhere");
}

TEST_F(CopyOut, ToAFullDiskSaysThatItIsFullAndLeavesNoHalf) {
  const test::SmallDisk disk(out(), "64k");
  OSIRIS_NEEDS_DISK(disk);
  write(step() / "big.txt", std::string(200'000, 'x'));
  const Status refused = copy();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().category, category::kWriteDiskFull);
  EXPECT_THAT(refused.error().message, HasSubstr("No space left on device"));
  EXPECT_TRUE(fs::is_empty(copied()));
}

}  // namespace
}  // namespace osiris
