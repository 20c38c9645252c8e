// What is made for steps that have not begun: it is theirs when they begin, and nothing where they never do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/worker/executor_fixture.h"

namespace osiris::worker {
namespace {

namespace fs = std::filesystem;

class Ahead : public ExecutorTest {
 protected:
  void make_ahead() { executor_->make_ahead(); }
  std::vector<std::string> artifacts() const {
    std::vector<std::string> names;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(directory_ / "session/artifacts", none))
      names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  // Of all files below the worker's own directory.
  std::vector<ino_t> ahead() const {
    std::vector<ino_t> files;
    for (const auto& entry : fs::recursive_directory_iterator(directory_ / "session/.worker"))
      if (entry.is_regular_file()) files.push_back(inode(entry.path()));
    return files;
  }
  static ino_t inode(const fs::path& file) {
    struct stat info{};
    EXPECT_EQ(::stat(file.c_str(), &info), 0) << file;
    return info.st_ino;
  }
};

TEST_F(Ahead, AStepThatBeginsMovesWhatWasMade) {
  const Json cfg = parse(R"({"rows": 4, "secret_key": "hunter22"})");
  plan({step("before", "produce", {}, cfg), step("a", "produce", {"before"}, cfg)});
  fs::create_directories(directory_ / "session/artifacts");
  ask("before");
  result("before");
  make_ahead();
  const std::vector<ino_t> made = ahead();
  ASSERT_EQ(made.size(), 1u) << "the first waits for nothing";
  EXPECT_EQ(artifacts(), std::vector<std::string>{"before"});
  ask("a");
  result("a");
  EXPECT_EQ(inode(directory_ / "session/artifacts/a/cleaned_config.json"), made[0]) << "it was made again";
  EXPECT_TRUE(ahead().empty());
  EXPECT_EQ(cleaned_config("a"), cleaned_config("before"));
  std::vector<std::string> names = sink_.event_names("a");
  std::erase(names, "inputs_resolved");
  EXPECT_EQ(names, sink_.event_names("before"));
}

TEST_F(Ahead, AStepThatIsSkippedHasNothing) {
  plan({step("a", "fail"), step("b", "produce", {"a"})});
  fs::create_directories(directory_ / "session/artifacts");
  make_ahead();
  EXPECT_EQ(ahead().size(), 1u);
  ask_all({"a", "b"});
  error("b");
  EXPECT_EQ(artifacts(), std::vector<std::string>{"a"});
}

TEST_F(Ahead, NothingIsMadeForARunThatHasEnded) {
  plan({step("a", "produce"), step("b", "produce", {"a"})});
  fs::create_directories(directory_ / "session/.worker");
  executor_->cancel("enough");
  make_ahead();
  EXPECT_TRUE(ahead().empty());
}

TEST_F(Ahead, WhatCannotBeMadeIsTriedByTheStep) {
  plan({step("a", "produce"), step("b", "produce", {"a"}), step("lost", "show_connection", {"a"})});
  fs::create_directories(directory_ / "session");
  ASSERT_TRUE(write_file_atomically(directory_ / "session/.worker", "in the way").ok());
  make_ahead();
  ask_all({"a", "b"});
  result("b");
  EXPECT_EQ(artifacts(), (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace osiris::worker
