#include "plugins/e2b/keep_file.h"

#include <gtest/gtest.h>

#include "protocol/base/file.h"

namespace osiris::e2b {
namespace {

namespace fs = std::filesystem;

class KeepFileTest : public testing::Test {
 protected:
  KeepFileTest() : directory_(fs::path(testing::TempDir()) / ("keep_" + std::to_string(::getpid()))) { fs::remove_all(directory_); }
  ~KeepFileTest() override { fs::remove_all(directory_); }
  std::optional<KeepFile> lock(const std::string& id) const {
    auto file = KeepFile::lock(directory_, id);
    EXPECT_TRUE(file.ok());
    return *std::move(file);
  }
  const fs::path directory_;
};

TEST_F(KeepFileTest, IsHeldByOneRunAtATime) {
  auto first = lock("abc");
  ASSERT_TRUE(first);
  EXPECT_FALSE(lock("abc"));
  EXPECT_TRUE(lock("other"));
  first.reset();
  EXPECT_TRUE(lock("abc"));
}

TEST_F(KeepFileTest, RemembersTheFilesOfTheLastRun) {
  EXPECT_TRUE(lock("abc")->files().empty());
  ASSERT_TRUE(lock("abc")->remember({"/a", "/b", "/a longer one"}).ok());
  EXPECT_EQ(lock("abc")->files(), (std::set<std::string>{"/a", "/b", "/a longer one"}));
  ASSERT_TRUE(lock("abc")->remember({"/c"}).ok());
  EXPECT_EQ(lock("abc")->files(), std::set<std::string>{"/c"});
}

TEST_F(KeepFileTest, ATornListIsNone) {
  ASSERT_TRUE(lock("abc")->remember({"/a", "/b"}).ok());
  fs::resize_file(directory_ / "sandbox-abc", 5);
  EXPECT_TRUE(lock("abc")->files().empty());
}

TEST_F(KeepFileTest, GoesWithItsSandboxOrAfterADay) {
  lock("abc")->remove();
  EXPECT_FALSE(fs::exists(directory_ / "sandbox-abc"));
  lock("old");
  fs::last_write_time(directory_ / "sandbox-old", fs::file_time_type::clock::now() - std::chrono::hours(25));
  lock("new");
  EXPECT_FALSE(fs::exists(directory_ / "sandbox-old"));
  EXPECT_TRUE(fs::exists(directory_ / "sandbox-new"));
}

}  // namespace
}  // namespace osiris::e2b
