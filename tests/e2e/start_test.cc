// What a run writes beside its steps, counted.
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <filesystem>

#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;

class Start : public ::testing::Test {
 protected:
  Outcome run(const std::string& file, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"run", file, "--allow-mock"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return project_.osiris(std::move(arguments));
  }

  Project project_;
};

// Names of the files that are made, replaced or written into below some directories from now on.
class WrittenFiles {
 public:
  explicit WrittenFiles(const std::vector<fs::path>& directories) : events_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    for (const fs::path& directory : directories) {
      watch(directory);
      for (const auto& entry : fs::recursive_directory_iterator(directory))
        if (entry.is_directory()) watch(entry.path());
    }
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    alignas(inotify_event) char block[64 << 10];
    for (ssize_t got; (got = ::read(events_.get(), block, sizeof block)) > 0;)
      for (const char* at = block; at < block + got;) {
        const auto* event = reinterpret_cast<const inotify_event*>(at);
        if (event->len > 0) names.emplace_back(event->name);
        at += sizeof *event + event->len;
      }
    return names;
  }

 private:
  void watch(const fs::path& directory) const {
    EXPECT_GE(inotify_add_watch(events_.get(), directory.c_str(), IN_CREATE | IN_MOVED_TO | IN_MODIFY), 0) << directory;
  }
  FileDescriptor events_;
};

TEST_F(Start, ASecondRunWritesNothingOfTheBuildAgain) {
  project_.write("p.yaml", oml("x", {mock_step("a", ""), mock_step("b", "", "a")}));
  ASSERT_EQ(run("p.yaml").exit, 0);
  const WrittenFiles written({project_.dir() / "build", project_.dir() / ".osiris/index/latest"});
  ASSERT_EQ(run("p.yaml").exit, 0);
  EXPECT_EQ(written.names(), std::vector<std::string>());
  project_.write("p.yaml", oml("x", {mock_step("a", ""), mock_step("b", "rows: 1", "a")}));
  ASSERT_EQ(run("p.yaml").exit, 0);
  EXPECT_NE(written.names(), std::vector<std::string>()) << "another pipeline is another build";
}

TEST_F(Start, ASessionsConfigsAreTheBuildsFiles) {
  project_.write("p.yaml", oml("x", {mock_step("a", "")}));
  ASSERT_EQ(run("p.yaml").exit, 0);
  ASSERT_EQ(run("p.yaml").exit, 0);
  for (const fs::path& session : project_.sessions())
    EXPECT_EQ(fs::hard_link_count(session / "cfg/a.json"), 3u) << "the build's and two sessions'";
}

// Sizes of what a run of three steps adds, but for the build's files, which have their second names in it.
TEST_F(Start, ThreeStepsLeaveLessThan16KiB) {
  project_.write("three.yaml",
                 oml("three", {mock_step("s0", ""), mock_step("s1", "", "s0"), mock_step("s2", "", "s1")}));
  ASSERT_EQ(run("three.yaml").exit, 0);
  uintmax_t bytes = 0;
  for (const char* root : {"run_logs", "aiop"})
    for (const auto& entry : fs::recursive_directory_iterator(project_.dir() / root))
      if (entry.is_regular_file() && entry.hard_link_count() == 1) bytes += entry.file_size();
  EXPECT_GT(bytes, 8u << 10) << "not all of it was found";
  EXPECT_LE(bytes, 16u << 10);
}

// Reading 47 MB takes most of what saying a version takes.
TEST_F(Start, AVersionReadsTheWorkerOnce) {
  project_.set("XDG_CACHE_HOME", (project_.dir() / "my-cache").string());
  const fs::path remembered = project_.dir() / "my-cache/osiris/worker.json";
  ASSERT_EQ(project_.osiris({"--version"}).exit, 0);
  Json known = *parse_json(*read_file(remembered));
  known.set("sha256", std::string(64, 'a'));
  ASSERT_TRUE(write_file_atomically(remembered, known.dump()).ok());
  EXPECT_EQ(project_.osiris({"--version", "--json"}).json()["worker"]["sha256"].as_string(), std::string(64, 'a'));
}

}  // namespace
}  // namespace osiris::e2e
