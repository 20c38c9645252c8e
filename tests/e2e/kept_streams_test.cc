// Large files stream through the whole program, whether rows are kept or files are read in shards: steps run beside
// each other, and the next run takes what this one has left.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr int kRowsOfAFile = 60'000, kFiles = 3;

class LargeFiles : public testing::Test {
 protected:
  LargeFiles() {
    std::string whole = "id,word\n";
    for (int file = 0; file < kFiles; ++file) {
      std::string rows;
      for (int i = 0; i < kRowsOfAFile; ++i)
        rows += std::to_string(file * kRowsOfAFile + i) + ",word " + std::to_string(i % 1000) + "\n";
      project_.write("in/part-" + std::to_string(file) + ".csv", "id,word\n" + rows);
      whole += rows;
    }
    project_.write("whole.csv", whole);
  }
  void write_pipeline(const std::string& path, const std::string& foreach, const std::string& out = "out/o.csv",
                      const std::string& query = "SELECT id, word FROM df_read WHERE id % 3 = 0") {
    project_.write(
        "p.yaml",
        oml("large",
            {"  - {id: read, component: filesystem.csv_extractor, mode: read, " + foreach + "config: {path: \"" + path +
                 "\"}}\n",
             "  - {id: query, component: duckdb.processor, mode: transform, needs: [read], config: {query: \"" + query +
                 "\"}}\n",
             "  - {id: save, component: filesystem.csv_writer, mode: write, needs: [query], config: {path: " + out +
                 "}}\n"}));
  }
  void write_sharded(const std::string& out = "out/o.csv") {
    write_pipeline("${shard.value}", "foreach: {files: \"in/part-*.csv\"}, ", out);
  }
  Outcome run(std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), {"run", "p.yaml"});
    return project_.osiris(std::move(arguments));
  }
  // The writer began before the reader had ended.
  bool streamed() const {
    const auto at = [&](const char* name, const char* step) {
      for (const Json& event : Project::events(project_.session(), name))
        if (event["step_id"].as_string() == step) return event["ts"].as_string();
      return std::string();
    };
    const std::string began = at("step_start", "save"), ended = at("step_complete", "read");
    EXPECT_FALSE(began.empty());
    return began < ended;
  }
  size_t kept() const { return project_.osiris({"cache", "show", "--json"}).json()["entries"].size(); }
  std::set<std::string> ran() const {
    std::set<std::string> steps;
    for (const Json& event : Project::events(project_.session(), "step_start"))
      steps.insert(event["step_id"].as_string());
    for (const Json& event : Project::events(project_.session(), "step_reused"))
      steps.erase(event["step_id"].as_string());
    return steps;
  }

  Project project_;
};

TEST_F(LargeFiles, StreamWhileTheirRowsAreKeptAndAreTakenByTheNextRun) {
  write_pipeline("whole.csv", "");
  EXPECT_EQ(run().exit, 0);
  const std::string fresh = project_.read("out/o.csv");
  const Outcome first = run({"--keep-outputs"});
  EXPECT_EQ(first.exit, 0) << first.err;
  EXPECT_TRUE(streamed());
  EXPECT_EQ(project_.read("out/o.csv"), fresh);
  EXPECT_EQ(kept(), 1u);
  write_pipeline("whole.csv", "", "out/again.csv");
  const Outcome resumed = run({"--resume"});
  EXPECT_EQ(resumed.exit, 0) << resumed.err;
  EXPECT_EQ(ran(), std::set<std::string>{"save"});
  EXPECT_EQ(project_.read("out/again.csv"), fresh);
  EXPECT_THAT(project_.osiris({"sql", "-c", "SELECT count(*) AS n FROM df_query", "--format", "csv"}).out,
              HasSubstr("60000"));
}

TEST_F(LargeFiles, AreKeptWhereTheWriterFailsAfterAll) {
  fs::create_directories(project_.dir() / "out/o.csv/in-the-way");
  write_pipeline("whole.csv", "");
  EXPECT_EQ(run({"--keep-outputs"}).exit, 1);
  EXPECT_EQ(kept(), 1u);
  fs::remove_all(project_.dir() / "out/o.csv");
  EXPECT_EQ(run({"--resume"}).exit, 0);
  EXPECT_EQ(ran(), std::set<std::string>{"save"});
}

TEST_F(LargeFiles, InShardsStreamAndGiveWhatOneFileGives) {
  write_pipeline("whole.csv", "");
  EXPECT_EQ(run().exit, 0);
  const std::string whole = project_.read("out/o.csv");
  write_sharded();
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_TRUE(streamed());
  EXPECT_EQ(project_.read("out/o.csv"), whole);
  const auto told = Project::events(project_.session(), "shard_complete");
  ASSERT_EQ(told.size(), size_t{kFiles});
  for (int i = 0; i < kFiles; ++i) {
    EXPECT_EQ(told[i]["shard"].as_int(), i);
    EXPECT_EQ(told[i]["rows"].as_int(), kRowsOfAFile);
  }
  const auto record = parse_json(project_.read(project_.session() / "shards.json"));
  EXPECT_TRUE(record.ok());
}

TEST_F(LargeFiles, InShardsAreKeptAndResumed) {
  write_sharded();
  EXPECT_EQ(run({"--keep-outputs"}).exit, 0);
  EXPECT_TRUE(streamed());
  const std::string fresh = project_.read("out/o.csv");
  EXPECT_EQ(kept(), 1u);
  write_sharded("out/again.csv");
  EXPECT_EQ(run({"--resume"}).exit, 0);
  EXPECT_EQ(ran(), std::set<std::string>{"save"});
  EXPECT_EQ(project_.read("out/again.csv"), fresh);
}

TEST_F(LargeFiles, InShardsNameTheOneThatIsWrong) {
  project_.write("in/part-1.csv", project_.read("in/part-1.csv") + "1,2,3,4\n");
  write_sharded();
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit, 1);
  EXPECT_THAT(outcome.err, HasSubstr("shard 1 (in/part-1.csv)"));
  EXPECT_FALSE(fs::exists(project_.dir() / "out/o.csv"));
}

}  // namespace
}  // namespace osiris::e2e
