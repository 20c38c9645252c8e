#include "plugins/sdk/place/keep_file.h"

#include <gtest/gtest.h>

#include "protocol/base/file.h"

namespace osiris::sdk {
namespace {

namespace fs = std::filesystem;

class KeepFileTest : public testing::Test {
 protected:
  KeepFileTest() : directory_(fs::path(testing::TempDir()) / ("keep_" + std::to_string(::getpid()))) {
    fs::remove_all(directory_);
  }
  ~KeepFileTest() override { fs::remove_all(directory_); }
  std::optional<KeepFile> create(const std::string& run = "run-1") const {
    auto file = KeepFile::create(directory_, run);
    EXPECT_TRUE(file.ok());
    return *std::move(file);
  }
  std::optional<KeepFile> open(const std::string& run = "run-1") const {
    auto file = KeepFile::open(directory_, run);
    EXPECT_TRUE(file.ok());
    return *std::move(file);
  }
  fs::path path() const { return directory_ / "sandbox-run-1"; }
  const fs::path directory_;
};

TEST_F(KeepFileTest, IsHeldByOneRunAtATime) {
  auto first = create();
  ASSERT_TRUE(first);
  EXPECT_FALSE(open());
  EXPECT_FALSE(create());
  EXPECT_TRUE(create("run-2"));
  first.reset();
  EXPECT_TRUE(open());
}

TEST_F(KeepFileTest, RemembersTheSandboxAndTheFilesOfTheLastRun) {
  ASSERT_TRUE(create()->remember({"abc", {"/a", "/b", "/a longer one"}}).ok());
  EXPECT_EQ(open()->memory()->machine_id, "abc");
  EXPECT_EQ(open()->memory()->files, (std::set<std::string>{"/a", "/b", "/a longer one"}));
  ASSERT_TRUE(open()->remember({"abc", {"/c"}}).ok());
  EXPECT_EQ(open()->memory()->files, std::set<std::string>{"/c"});
}

TEST_F(KeepFileTest, OfARunThatDidNotEndInOrderRemembersNothing) {
  create();
  ASSERT_TRUE(open());
  EXPECT_FALSE(open()->memory()) << "its run died before it kept anything";
  ASSERT_TRUE(open()->remember({"abc", {}}).ok());
  EXPECT_TRUE(open()->memory());
  ASSERT_TRUE(open()->forget().ok());
  EXPECT_FALSE(open()->memory()) << "the run that took it over died";
}

TEST_F(KeepFileTest, ThatIsNotHereSpeaksOfNothing) {
  EXPECT_FALSE(open());
  EXPECT_FALSE(fs::exists(directory_)) << "looking makes nothing";
  for (const char* run : {"", "../run-1", "/etc/passwd"}) EXPECT_FALSE(open(run)) << run;
}

// The run id comes from a machine's metadata.
TEST_F(KeepFileTest, ARunIdLeadsToNoOtherFile) {
  ASSERT_TRUE(create()->remember({"abc", {"/a"}}).ok());
  fs::create_directory(directory_ / "sandbox-x");
  ASSERT_TRUE(fs::exists(directory_ / "sandbox-x/../sandbox-run-1"));
  EXPECT_FALSE(open("x/../sandbox-run-1"));
}

TEST_F(KeepFileTest, ThatCameHereAsACopySpeaksOfNothing) {
  ASSERT_TRUE(create()->remember({"abc", {"/a"}}).ok());
  fs::copy_file(path(), directory_ / "copy");
  fs::remove(path());
  fs::rename(directory_ / "copy", path());
  EXPECT_FALSE(open()) << "another machine, or the image this one was made from, may use that sandbox";
}

TEST_F(KeepFileTest, ALinkInItsPlaceIsNotFollowed) {
  ASSERT_TRUE(create()->remember({"abc", {"/a"}}).ok());
  fs::rename(path(), directory_ / "elsewhere");
  fs::create_symlink(directory_ / "elsewhere", path());
  EXPECT_FALSE(open());
}

TEST_F(KeepFileTest, ATornTextIsNobodys) {
  ASSERT_TRUE(create()->remember({"abc", {"/a", "/b"}}).ok());
  fs::resize_file(path(), 5);
  EXPECT_FALSE(open());
}

TEST_F(KeepFileTest, GoesWithItsSandboxOrAfterADayUnlessItIsHeld) {
  create()->remove();
  EXPECT_FALSE(fs::exists(path()));
  const auto held = create("held");
  create("old");
  for (const char* run : {"held", "old"})
    fs::last_write_time(directory_ / (std::string("sandbox-") + run),
                        fs::file_time_type::clock::now() - std::chrono::hours(25));
  create("new");
  EXPECT_FALSE(fs::exists(directory_ / "sandbox-old"));
  EXPECT_TRUE(fs::exists(directory_ / "sandbox-new"));
  EXPECT_TRUE(fs::exists(directory_ / "sandbox-held"));
}

}  // namespace
}  // namespace osiris::sdk
