// A file that appears all at once, and what it leaves when it does not.
#include "protocol/base/replacing_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "protocol/base/categories.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class ReplacingFileTest : public testing::Test {
 protected:
  ReplacingFileTest() {
    char name[] = "/tmp/osiris-replacing-XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  ~ReplacingFileTest() override { fs::remove_all(directory_); }

  fs::path at(const std::string& name) const { return directory_ / name; }
  size_t entries() const {
    return static_cast<size_t>(
        std::distance(fs::recursive_directory_iterator(directory_), fs::recursive_directory_iterator()));
  }

  fs::path directory_;
};

TEST_F(ReplacingFileTest, AppearsWholeOrNotAtAll) {
  ASSERT_TRUE(write_file_atomically(at("out.csv"), "old").ok());
  {
    ReplacingFile file(at("out.csv"));
    ASSERT_TRUE(file.open(false).ok());
    ASSERT_TRUE(file.write("ne").ok());
    ASSERT_TRUE(file.write("w").ok());
    EXPECT_EQ(*read_file(at("out.csv")), "old");
    EXPECT_EQ(entries(), 2u);
    ASSERT_TRUE(file.commit().ok());
    EXPECT_EQ(*read_file(at("out.csv")), "new");
  }
  EXPECT_EQ(entries(), 1u);
  {
    ReplacingFile given_up(at("out.csv"));
    ASSERT_TRUE(given_up.open(false).ok());
    ASSERT_TRUE(given_up.write("half").ok());
  }
  EXPECT_EQ(*read_file(at("out.csv")), "new");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(ReplacingFileTest, DirectoriesAreMadeOnlyWhereThatIsWantedAndGoWithAFileThatDoesNotAppear) {
  const Status refused = ReplacingFile(at("a/b/out.csv")).open(false);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().category, category::kWritePathNotFound);
  EXPECT_EQ(check_writable(at("a/b/out.csv"), false).error().message, refused.error().message);
  EXPECT_TRUE(check_writable(at("a/b/out.csv"), true).ok());
  EXPECT_EQ(entries(), 0u);
  {
    ReplacingFile given_up(at("a/b/out.csv"));
    ASSERT_TRUE(given_up.open(true).ok());
    EXPECT_TRUE(fs::is_directory(at("a/b")));
  }
  EXPECT_EQ(entries(), 0u);
  ReplacingFile file(at("a/b/out.csv"));
  ASSERT_TRUE(file.open(true).ok());
  ASSERT_TRUE(file.commit().ok());
  EXPECT_TRUE(fs::exists(at("a/b/out.csv")));
}

TEST_F(ReplacingFileTest, OnlyARegularFileIsReplaced) {
  fs::create_directory(at("directory"));
  fs::create_symlink("nowhere", at("link"));
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  const std::pair<const char*, const char*> rows[] = {
      {"directory", "it is a directory"}, {"link", "it is a symbolic link"}, {"pipe", "it is not a regular file"}};
  for (const auto& [name, why] : rows) {
    EXPECT_THAT(ReplacingFile(at(name)).open(true).error().message, HasSubstr(why));
    EXPECT_THAT(check_writable(at(name), true).error().message, HasSubstr(why));
  }
  EXPECT_EQ(entries(), 3u);
}

TEST_F(ReplacingFileTest, TheOldFilesModeIsKept) {
  ASSERT_TRUE(write_file_atomically(at("out.csv"), "old", {.mode = 0640}).ok());
  ReplacingFile file(at("out.csv"));
  ASSERT_TRUE(file.open(false).ok());
  ASSERT_TRUE(file.commit().ok());
  EXPECT_EQ(fs::status(at("out.csv")).permissions(), fs::perms(0640));
}

}  // namespace
}  // namespace osiris
