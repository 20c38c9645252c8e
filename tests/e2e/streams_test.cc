// The streams, signals and limits osiris is started with are not always those of a friendly shell.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;

constexpr char kPipeline[] =
    "oml_version: \"0.1.0\"\nname: copy\nsteps:\n"
    "  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    config: {path: in.csv}\n"
    "  - id: write\n    component: filesystem.csv_writer\n    mode: write\n    needs: [read]\n    config: {path: "
    "out/copy.csv}\n";

class Streams : public testing::Test {
 protected:
  Streams() {
    project_.write("in.csv", "id\n1\n");
    project_.write("p.yaml", kPipeline);
  }
  // A script of a shell in which `osiris` is the one under test.
  Outcome shell(const std::string& script) {
    SpawnOptions options = project_.spawn_options({});
    options.arguments = {
        "/bin/sh", "-c",
        "OSIRIS=" + (build_dir() / "bin/osiris").string() + "\nosiris() { $OSIRIS \"$@\"; }\n" + script};
    const auto result = run_command(options, 60'000, 64u << 20);
    EXPECT_TRUE(result.ok());
    if (!result.ok()) return {};
    return {result->exit.signaled ? 128 + result->exit.value : result->exit.value, result->standard_output,
            result->standard_error};
  }
  void session_is_whole() {
    for (const char* file : {"events.jsonl", "metrics.jsonl"})
      EXPECT_FALSE(Project::lines(project_.session() / file).empty());
    EXPECT_EQ(Project::events(project_.session(), "run_end").size(), 1u);
    EXPECT_EQ(project_.read("out/copy.csv"), "id\n1\n");
  }
  Project project_;
};

// The next file opened would otherwise be descriptor 1, and what is said to the user would go into it.
TEST_F(Streams, ClosedOnesAreNotTakenForFiles) {
  for (const char* closed : {">&-", "2>&-", "<&-", "<&- >&- 2>&-"}) {
    fs::remove_all(project_.dir() / "out");
    const Outcome outcome = shell(std::string("osiris run p.yaml ") + closed);
    EXPECT_EQ(outcome.exit, 0) << closed << outcome.err;
    session_is_whole();
  }
}

TEST_F(Streams, AFullStandardOutputIsNoSuccess) {
  for (const char* command :
       {"run p.yaml --json", "run p.yaml", "validate p.yaml", "components list", "--help", "--version"}) {
    const Outcome outcome = shell(std::string("osiris ") + command + " >/dev/full");
    EXPECT_EQ(outcome.exit, 3) << command << outcome.err;
    EXPECT_NE(outcome.err.find("cannot write to standard output: No space left on device"), std::string::npos)
        << outcome.err;
  }
  EXPECT_EQ(shell("osiris validate wrong.yaml >/dev/full").exit, 2) << "the first cause counts";
}

TEST_F(Streams, AReaderThatHasSeenEnoughIsNoError) {
  const Outcome outcome = shell("{ osiris run p.yaml --verbose; echo \"exit $?\" >&2; } | head -c 1");
  EXPECT_NE(outcome.err.find("exit 0"), std::string::npos) << outcome.err;
  session_is_whole();
}

TEST_F(Streams, AParentThatIgnoresItsChildrenChangesNothing) {
  EXPECT_EQ(shell("env --ignore-signal=CHLD $OSIRIS run p.yaml").exit, 0);
  session_is_whole();
  project_.write("p.yaml", oml("x", {mock_step("a", "signal: 9")}));
  const Outcome crashed = shell("env --ignore-signal=CHLD $OSIRIS run p.yaml --allow-mock");
  EXPECT_EQ(crashed.exit, 3) << crashed.out << crashed.err;
  EXPECT_NE(crashed.err.find("signal 9"), std::string::npos) << crashed.err;
}

TEST_F(Streams, APipelineMayComeThroughAPipe) {
  EXPECT_EQ(shell("cat p.yaml | osiris validate /dev/stdin").exit, 0);
  const Outcome outcome = shell("cat p.yaml | osiris run /dev/stdin");
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  session_is_whole();
}

TEST_F(Streams, TheUmaskHolds) {
  const auto modes = [&] {
    std::map<std::string, unsigned> found;
    for (const char* folder : {"run_logs", "build", "aiop", ".osiris"})
      for (const auto& entry : fs::recursive_directory_iterator(project_.dir() / folder))
        if (entry.is_regular_file()) {
          struct stat info{};
          ::stat(entry.path().c_str(), &info);
          found[entry.path().lexically_relative(project_.dir()).string()] = info.st_mode & 0777;
        }
    return found;
  };
  ASSERT_EQ(shell("umask 077; osiris run p.yaml").exit, 0);
  for (const auto& [file, mode] : modes()) EXPECT_EQ(mode & 077, 0u) << file << " can be read by others";
  for (const char* folder : {"run_logs", "build", "aiop", ".osiris"}) fs::remove_all(project_.dir() / folder);
  ASSERT_EQ(shell("umask 022; osiris run p.yaml").exit, 0);
  for (const auto& [file, mode] : modes()) EXPECT_EQ(mode & 0133, 0u) << file;
}

TEST_F(Streams, ANameThatIsNoUtf8StaysJson) {
  project_.write("n\xff.yaml", kPipeline);
  const Outcome checked = project_.osiris({"validate", "n\xff.yaml", "--json"});
  EXPECT_EQ(checked.json()["file"].as_string(), "n\xEF\xBF\xBD.yaml");
  EXPECT_EQ(project_.osiris({"run", "n\xff.yaml"}).exit, 0);
  session_is_whole();
  const Outcome elsewhere = shell("mkdir \"$(printf 'd\\377')\" && cd \"$(printf 'd\\377')\" && osiris run ../p.yaml");
  EXPECT_EQ(elsewhere.exit, 2) << elsewhere.err;
  EXPECT_NE(elsewhere.err.find("the name of the working directory is not UTF-8"), std::string::npos) << elsewhere.err;
}

}  // namespace
}  // namespace osiris::e2e
