// What a pattern finds, and that matching says the same without looking.
#include "protocol/base/file_pattern.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "protocol/base/temporary_directory.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

class FilePattern : public testing::Test {
 protected:
  void touch(const std::string& name) {
    fs::create_directories((directory_.path() / name).parent_path());
    std::ofstream(directory_.path() / name) << "x";
    names_.push_back(name);
  }
  // Relative names, joined by blanks; the same has to come from matching all names.
  std::string found(const std::string& pattern) {
    const auto files = find_files(directory_.path() / pattern);
    EXPECT_TRUE(files.ok());
    std::string all, matched;
    for (const fs::path& file : *files) all += file.lexically_relative(directory_.path()).string() + " ";
    std::sort(names_.begin(), names_.end());
    for (const std::string& name : names_)
      if (matches_file_pattern(directory_.path() / pattern, directory_.path() / name)) matched += name + " ";
    EXPECT_EQ(all, matched) << pattern;
    return all;
  }

  TemporaryDirectory directory_ = *TemporaryDirectory::make();
  std::vector<std::string> names_;
};

TEST_F(FilePattern, FindsNamesInTheOrderOfTheirBytes) {
  for (const char* name : {"b.csv", "a.csv", "B.csv", "a1.csv", "c.txt"}) touch(name);
  EXPECT_EQ(found("*.csv"), "B.csv a.csv a1.csv b.csv ");
  EXPECT_EQ(found("?.csv"), "B.csv a.csv b.csv ");
  EXPECT_EQ(found("[a-b].csv"), "a.csv b.csv ");
  EXPECT_EQ(found("[!a-b].csv"), "B.csv ");
  EXPECT_EQ(found("x*.csv"), "");
  EXPECT_EQ(found("a.csv"), "a.csv ");
}

TEST_F(FilePattern, OneStarStaysInADirectoryAndTwoDoNot) {
  for (const char* name : {"a.csv", "x/b.csv", "x/y/c.csv", "x/y/z/d.csv"}) touch(name);
  EXPECT_EQ(found("*.csv"), "a.csv ");
  EXPECT_EQ(found("*/*.csv"), "x/b.csv ");
  EXPECT_EQ(found("**/*.csv"), "a.csv x/b.csv x/y/c.csv x/y/z/d.csv ");
  EXPECT_EQ(found("x/**/d.csv"), "x/y/z/d.csv ");
  EXPECT_EQ(found("**/**/c.csv"), "x/y/c.csv ");
}

TEST_F(FilePattern, HiddenNamesAreFoundOnlyByTheirDot) {
  for (const char* name : {".h.csv", "v.csv", ".git/x.csv"}) touch(name);
  EXPECT_EQ(found("*.csv"), "v.csv ");
  EXPECT_EQ(found("**/*.csv"), "v.csv ");
  EXPECT_EQ(found(".*.csv"), ".h.csv ");
}

TEST_F(FilePattern, DirectoriesAndWhatIsBehindLinksToThemAreNoFiles) {
  touch("real/a.csv");
  fs::create_directories(directory_.path() / "d.csv");
  fs::create_directory_symlink(directory_.path() / "real", directory_.path() / "loop");
  fs::create_symlink(directory_.path() / "real/a.csv", directory_.path() / "link.csv");
  fs::create_symlink("nowhere", directory_.path() / "dangling.csv");
  names_.push_back("link.csv");
  EXPECT_EQ(found("**/*.csv"), "link.csv real/a.csv ");
}

TEST_F(FilePattern, AMissingDirectoryFindsNothing) { EXPECT_EQ(found("gone/*.csv"), ""); }

TEST(FilePatternText, IsSpelledAsThePipelineWould) {
  EXPECT_EQ(spelled_as("/w/data/x=1/a.csv", "data/*/a.csv", "/w/data/*/a.csv"), "data/x=1/a.csv");
  EXPECT_EQ(spelled_as("/other/a.csv", "../other/*.csv", "/other/*.csv"), "../other/a.csv");
  EXPECT_EQ(spelled_as("/w/a.csv", "*.csv", "/w/*.csv"), "a.csv");
  EXPECT_EQ(spelled_as("/w/a.csv", "/w/*.csv", "/w/*.csv"), "/w/a.csv");
  EXPECT_TRUE(is_file_pattern("a[1].csv"));
  EXPECT_FALSE(is_file_pattern("plain.csv"));
}

}  // namespace
}  // namespace osiris
