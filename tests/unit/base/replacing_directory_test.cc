// A directory that appears all at once, and what it may take the place of.
#include "protocol/base/replacing_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/base/file.h"
#include "protocol/base/temporary_directory.h"

namespace osiris {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class ReplacingDirectoryTest : public testing::Test {
 protected:
  fs::path at(const std::string& name) const { return directory_.path() / name; }
  static void put(const fs::path& file, const std::string& text) {
    fs::create_directories(file.parent_path());
    ASSERT_TRUE(write_file_atomically(file, text).ok());
  }
  size_t entries() const {
    return static_cast<size_t>(
        std::distance(fs::recursive_directory_iterator(directory_.path()), fs::recursive_directory_iterator()));
  }

  TemporaryDirectory directory_ = *TemporaryDirectory::make();
};

TEST_F(ReplacingDirectoryTest, AppearsWholeOrNotAtAll) {
  {
    ReplacingDirectory given_up(at("deep/set"));
    ASSERT_TRUE(given_up.open(true).ok());
    put(given_up.staging() / "k=1/a.parquet", "new");
    EXPECT_FALSE(fs::exists(at("deep/set")));
  }
  EXPECT_EQ(entries(), 0u);
  ReplacingDirectory directory(at("deep/set/"));
  ASSERT_TRUE(directory.open(true).ok());
  put(directory.staging() / "k=1/a.parquet", "new");
  ASSERT_TRUE(directory.commit().ok());
  EXPECT_EQ(*read_file(at("deep/set/k=1/a.parquet")), "new");
  EXPECT_EQ(entries(), 4u);
}

TEST_F(ReplacingDirectoryTest, TakesThePlaceOfAnOldSetWithAllItsFiles) {
  put(at("set/k=1/old.parquet"), "old");
  put(at("set/k=2/old.parquet"), "old");
  ReplacingDirectory directory(at("set"));
  ASSERT_TRUE(directory.open(false).ok());
  put(directory.staging() / "k=1/new.parquet", "new");
  EXPECT_EQ(*read_file(at("set/k=1/old.parquet")), "old") << "not before the end";
  ASSERT_TRUE(directory.commit().ok());
  EXPECT_EQ(*read_file(at("set/k=1/new.parquet")), "new");
  EXPECT_EQ(entries(), 3u);
}

TEST_F(ReplacingDirectoryTest, AForeignFileIsNeverReplaced) {
  for (const char* name : {"notes.txt", "k=1/x.csv", "sub/a.parquet", "=x/a.parquet"}) {
    put(at(std::string("set/") + name), "mine");
    EXPECT_FALSE(ReplacingDirectory(at("set")).open(true).ok()) << name;
    EXPECT_THAT(check_replaceable(at("set"), true).error().message, HasSubstr("which is none of its files"));
    EXPECT_EQ(*read_file(at(std::string("set/") + name)), "mine");
    fs::remove_all(at("set"));
  }
}

TEST_F(ReplacingDirectoryTest, AFileThatCameMeanwhileIsFoundBeforeTheEnd) {
  ReplacingDirectory directory(at("set"));
  ASSERT_TRUE(directory.open(true).ok());
  put(at("set/notes.txt"), "mine");
  EXPECT_FALSE(directory.commit().ok());
  EXPECT_EQ(*read_file(at("set/notes.txt")), "mine");
}

TEST_F(ReplacingDirectoryTest, AFileAndALinkAreRefused) {
  put(at("file"), "x");
  fs::create_directories(at("real"));
  fs::create_directory_symlink(at("real"), at("link"));
  EXPECT_THAT(check_replaceable(at("file"), true).error().message, HasSubstr("a file is in its place"));
  EXPECT_THAT(check_replaceable(at("link"), true).error().message, HasSubstr("a symbolic link"));
}

TEST_F(ReplacingDirectoryTest, AMissingDirectoryIsMadeOnlyWhereItMayBe) {
  EXPECT_FALSE(ReplacingDirectory(at("a/set")).open(false).ok());
  EXPECT_FALSE(check_replaceable(at("a/set"), false).ok());
  EXPECT_TRUE(check_replaceable(at("a/set"), true).ok());
  EXPECT_EQ(entries(), 0u);
}

}  // namespace
}  // namespace osiris
