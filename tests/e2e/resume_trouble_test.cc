// Kept rows where something is in the way: disks, clocks, versions, other runs.
#include <gmock/gmock.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "protocol/base/file.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class KeptInTrouble : public testing::Test {
 protected:
  KeptInTrouble() { write_pipeline("SELECT range AS n, md5(range::VARCHAR) AS h FROM range(20000) ORDER BY n"); }

  void write_pipeline(const std::string& query, const std::string& last = "SELECT count(*) AS n FROM df_made") {
    project_.write(
        "p.yaml",
        oml("made",
            {"  - {id: made, component: duckdb.processor, mode: transform, config: {query: \"" + query + "\"}}\n",
             "  - {id: count, component: duckdb.processor, mode: transform, needs: [made], config: {query: \"" + last +
                 "\"}}\n",
             "  - {id: save, component: filesystem.csv_writer, mode: write, needs: [count], config: {path: "
             "out.csv}}\n"}));
  }
  Outcome run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"run", "p.yaml", "--allow-mock"});
    return project_.osiris(std::move(arguments));
  }
  Json kept() const { return project_.osiris({"cache", "show", "--json"}).json()["entries"]; }

  mutable Project project_;
};

TEST_F(KeptInTrouble, AFullOrReadOnlyDiskStopsNoRun) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may mount";
  const fs::path cache = project_.dir() / ".osiris/cache";
  fs::create_directories(cache);
  for (const char* how : {"ro", "size=64k", "size=8k"}) {
    SpawnOptions options = project_.spawn_options({"run", "p.yaml", "--keep-outputs"});
    options.arguments.insert(options.arguments.begin(), {"/usr/bin/unshare", "--mount", "/bin/sh", "-c",
                                                         std::string("mount -t tmpfs -o ") + how + " none '" +
                                                             cache.string() + "' && exec \"$0\" \"$@\""});
    const auto result = run_command(options, 120'000, 1 << 20);
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->exit.value, 0) << how << result->standard_output << result->standard_error;
    EXPECT_THAT(result->standard_error, testing::AnyOf(HasSubstr("Read-only file system"), HasSubstr("No space left")))
        << how;
    EXPECT_EQ(project_.read("out.csv"), "n\n20000\n");
    EXPECT_FALSE(fs::exists(project_.session() / "artifacts/made/kept.parquet")) << how;
  }
}

TEST_F(KeptInTrouble, TwoRunsFillOneEntry) {
  project_.write(
      "p.yaml",
      oml("made", {"  - {id: made, component: duckdb.processor, mode: transform, config: {query: \"SELECT range "
                   "AS n FROM range(20000)\"}}\n",
                   mock_step("wait", "wait_for: go", "made")}));
  Running first = project_.start({"run", "p.yaml", "--allow-mock", "--keep-outputs"});
  Running second = project_.start({"run", "p.yaml", "--allow-mock", "--keep-outputs"});
  first.until("wait: Starting");
  second.until("wait: Starting");
  project_.write("go", "");
  EXPECT_EQ(first.end().exit, 0);
  EXPECT_EQ(second.end().exit, 0);
  ASSERT_EQ(kept().size(), 1u);
  EXPECT_TRUE(fs::exists(kept().items().at(0)["path"].as_string()));
  EXPECT_EQ(run({"--only", "wait"}).exit, 0);
  EXPECT_THAT(project_.ran(), ElementsAre("wait"));
}

TEST_F(KeptInTrouble, RowsFromTheFutureAreNotYoungEnough) {
  project_.write("p.yaml",
                 oml("made", {mock_step("source", "rows: 3", "", "cache: {for: 1h}"), mock_step("end", "", "source")}));
  EXPECT_EQ(run({}).exit, 0);
  EXPECT_EQ(run({}).exit, 0);
  EXPECT_THAT(project_.ran(), ElementsAre("end"));
  // As if the clock had been set back since.
  fs::path file = kept().items().at(0)["path"].as_string();
  file = file.parent_path() / (kept().items().at(0)["key"].as_string() + ".json");
  Json entry = *parse_json(project_.read(file));
  entry.set("created_unix_ns",
            entry["created_unix_ns"].as_int() + std::chrono::nanoseconds(std::chrono::hours(2)).count());
  project_.write(file, entry.dump());
  EXPECT_EQ(run({}).exit, 0);
  EXPECT_THAT(project_.ran(), ElementsAre("end", "source"));
}

TEST_F(KeptInTrouble, AnotherVersionTakesNothing) {
  EXPECT_EQ(run({"--keep-outputs"}).exit, 0);
  // A worker of other bytes.
  const fs::path worker = project_.dir() / "worker";
  fs::copy_file(build_dir() / "lib/osiris/osiris-worker", worker);
  std::ofstream(worker, std::ios::app) << "x";
  project_.set("OSIRIS_WORKER", worker.string());
  EXPECT_THAT(project_.osiris({"why", "made", "p.yaml"}).out, HasSubstr("worker is another version"));
  const Outcome resumed = run({"--resume"});
  EXPECT_EQ(resumed.exit, 0) << resumed.err;
  EXPECT_EQ(project_.ran().size(), 3u);
  // What a run of another format knew counts as nothing.
  for (const auto& each : fs::recursive_directory_iterator(project_.dir() / ".osiris/cache/runs"))
    if (each.is_regular_file()) project_.write(each.path(), R"({"format": 99, "run_id": "run-000001_X"})");
  EXPECT_THAT(run({"--resume"}).out, HasSubstr("every step runs"));
}

}  // namespace
}  // namespace osiris::e2e
