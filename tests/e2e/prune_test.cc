// osiris runs prune: runs are removed whole, and only those that may go.
#include <gmock/gmock.h>

#include "protocol/base/file.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Prune : public testing::Test {
 protected:
  Prune() {
    project_.write("in.csv", "id\n1\n");
    for (const char* name : {"a", "b"})
      project_.write(
          std::string(name) + ".yaml",
          oml(name, {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n",
                     "  - {id: save, component: filesystem.csv_writer, mode: write, config: {path: out.csv}}\n"}));
  }
  void run(const std::string& pipeline, int times) {
    for (int i = 0; i < times; ++i) EXPECT_EQ(project_.osiris({"run", pipeline + ".yaml"}).exit, 0);
  }
  size_t summaries() const {
    size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(project_.dir() / "aiop"))
      count += entry.path().filename() == "summary.json";
    return count;
  }

  Project project_;
};

TEST_F(Prune, KeepsTheNewestRunsOfEachPipelineAndForgetsTheOthers) {
  run("a", 3);
  run("b", 1);
  const Json dry = project_.osiris({"runs", "prune", "--keep", "1", "--dry-run", "--json"}).json();
  EXPECT_EQ(dry["runs"].as_int(), 2);
  EXPECT_EQ(project_.sessions().size(), 4u);
  const Outcome outcome = project_.osiris({"runs", "prune", "--keep", "1"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("removed session run_logs/dev/a/"));
  EXPECT_EQ(project_.sessions().size(), 2u);
  EXPECT_EQ(summaries(), 2u);
  EXPECT_EQ(project_.runs().size(), 2u);
  EXPECT_EQ(Project::lines(project_.dir() / ".osiris/index/by_pipeline/a.jsonl").size(), 2u);
  // The index goes on.
  run("a", 1);
  EXPECT_EQ(project_.runs().size(), 3u);
  EXPECT_EQ(project_.osiris({"logs", "show", "a/4"}).exit, 0);
}

TEST_F(Prune, RemovesByAgeAndByStatus) {
  run("a", 2);
  EXPECT_EQ(project_.osiris({"runs", "prune", "--older-than", "1d"}).exit, 0);
  EXPECT_EQ(project_.runs().size(), 2u);
  EXPECT_EQ(project_.osiris({"runs", "prune", "--older-than", "0s", "--status", "failed"}).exit, 0);
  EXPECT_EQ(project_.runs().size(), 2u);
  EXPECT_EQ(project_.osiris({"runs", "prune", "--older-than", "0s", "--pipeline", "a"}).exit, 0);
  EXPECT_EQ(project_.runs().size(), 0u);
}

TEST_F(Prune, BoundsWhatRunsTake) {
  run("a", 3);
  project_.write(project_.sessions().back() / "artifacts/large", std::string(3u << 20, 'x'));
  EXPECT_EQ(project_.osiris({"runs", "prune", "--max-size", "1GiB"}).exit, 0);
  EXPECT_EQ(project_.runs().size(), 3u);
  EXPECT_EQ(project_.osiris({"runs", "prune", "--max-size", "1MiB"}).exit, 0);
  EXPECT_LT(project_.runs().size(), 3u);
  EXPECT_EQ(project_.osiris({"runs", "prune", "--max-size", "0"}).exit, 0);
  EXPECT_EQ(project_.sessions().size(), 0u);
}

TEST_F(Prune, EveryRunKeepsToMaxBytesAndSparesItself) {
  project_.write("osiris.yaml", "filesystem: {retention: {max_bytes: 1MiB}}\n");
  run("a", 2);
  EXPECT_EQ(project_.runs().size(), 2u);
  project_.write(project_.sessions().front() / "artifacts/large", std::string(3u << 20, 'x'));
  const Outcome outcome = project_.osiris({"run", "b.yaml"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("Removed 1 run (filesystem.retention.max_bytes)"));
  EXPECT_EQ(project_.runs().size(), 2u);
  // Less than any session takes: what is left is the run that has just ended.
  project_.write("osiris.yaml", "filesystem: {retention: {max_bytes: 1}}\n");
  EXPECT_EQ(project_.osiris({"run", "a.yaml"}).exit, 0);
  EXPECT_EQ(project_.sessions().size(), 1u);
  EXPECT_EQ(project_.osiris({"logs", "last"}).exit, 0);
  project_.write("bad.yaml", "nothing: here\n");
  EXPECT_EQ(project_.osiris({"run", "bad.yaml"}).exit, 2);
  EXPECT_EQ(project_.sessions().size(), 1u);
}

TEST_F(Prune, CleanKeepsToMaxBytesToo) {
  run("a", 2);
  project_.write("osiris.yaml", "filesystem: {retention: {max_bytes: 1}}\n");
  const Json dry = project_.osiris({"clean", "--dry-run", "--json"}).json();
  EXPECT_EQ(dry["runs"].as_int(), 2);
  EXPECT_EQ(dry["removed"].size(), 4u);  // sessions and summaries, each once
  EXPECT_EQ(project_.sessions().size(), 2u);
  EXPECT_EQ(project_.osiris({"clean"}).exit, 0);
  EXPECT_EQ(project_.sessions().size(), 0u);
  EXPECT_EQ(project_.runs().size(), 0u);
}

TEST_F(Prune, LeavesARunThatGoesOn) {
  project_.write("wait.yaml", oml("wait", {mock_step("hang", "say: here, sleep_ms: 60000")}));
  Running running = project_.start({"run", "wait.yaml", "--allow-mock", "--verbose"});
  running.until("here");
  const Outcome outcome = project_.osiris({"runs", "prune", "--keep", "0"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("its run goes on"));
  EXPECT_EQ(project_.runs().size(), 1u);
  running.kill(SIGKILL);
  running.end();
}

TEST_F(Prune, RemovesNothingOutsideTheProjectWhateverTheIndexSays) {
  run("a", 1);
  const fs::path elsewhere = project_.dir() / "kept";
  for (const char* file : {"events.jsonl", "osiris.log", "summary.json"}) project_.write(elsewhere / file, "x");
  Json record = project_.runs().items().at(0);
  record.set("run_id", "run-9");
  record.set("run_logs_path", elsewhere.string());
  record.set("aiop_path", (project_.dir() / "aiop/../kept").string());
  const std::string index = project_.read(".osiris/index/runs.jsonl");
  project_.write(".osiris/index/runs.jsonl", index + record.dump() + "\n");
  EXPECT_EQ(project_.osiris({"runs", "prune", "--keep", "0"}).exit, 0);
  EXPECT_EQ(project_.runs().size(), 0u);
  EXPECT_TRUE(fs::exists(elsewhere / "events.jsonl"));
  EXPECT_TRUE(fs::exists(elsewhere / "summary.json"));
}

TEST_F(Prune, IsToldWhichRunsMayGo) {
  run("a", 1);
  const Outcome outcome = project_.osiris({"runs", "prune"});
  EXPECT_EQ(outcome.exit, 2);
  EXPECT_THAT(outcome.err, HasSubstr("--keep N"));
  EXPECT_THAT(project_.osiris({"runs", "prune", "--older-than", "soon"}).err, HasSubstr("--older-than"));
  EXPECT_THAT(project_.osiris({"runs", "prune", "--max-size", "much"}).err, HasSubstr("--max-size"));
  // Five of what: all runs would go for five bytes.
  const Outcome bare = project_.osiris({"runs", "prune", "--max-size", "5"});
  EXPECT_EQ(bare.exit, 2);
  EXPECT_THAT(bare.err, HasSubstr("'5' has no unit"));
  EXPECT_THAT(bare.err, HasSubstr("write 5GiB or 5MiB; 5B for bytes"));
  EXPECT_EQ(project_.osiris({"runs", "prune", "--keep", "-1"}).exit, 2);
  EXPECT_EQ(project_.osiris({"runs", "prune", "--keep", "0", "--status", "done"}).exit, 2);
  EXPECT_EQ(project_.runs().size(), 1u);
}

// `--pipeline "$NAME"` of a variable that is not set would be all pipelines, `--max-cost "$CAP"` no ceiling.
TEST_F(Prune, AnEmptyValueIsNoValue) {
  run("a", 1);
  for (const std::vector<std::string>& line :
       {std::vector<std::string>{"runs", "prune", "--keep", "0", "--pipeline", ""},
        {"runs", "prune", "--keep", "0", "--profile", ""},
        {"cache", "clear", "--pipeline", ""},
        {"run", "a.yaml", "--timeout", ""},
        {"run", "a.yaml", "--max-cost", ""}}) {
    const Outcome outcome = project_.osiris(line);
    EXPECT_EQ(outcome.exit, 2) << testing::PrintToString(line);
    EXPECT_THAT(outcome.err, HasSubstr(" has an empty value"));
  }
  EXPECT_EQ(project_.osiris({"runs", "list", "--limit", "-1"}).exit, 2);
  EXPECT_EQ(project_.sessions().size(), 1u);
}

}  // namespace
}  // namespace osiris::e2e
