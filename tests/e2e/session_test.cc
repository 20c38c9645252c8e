// What a run leaves behind, and that every way of asking for it gives the same answer.
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "protocol/base/sha256.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;

constexpr char kCsv[] = "id,name\n1,a\n2,b\n3,c\n";

std::string copy_pipeline(const char* name, const char* output) {
  return oml(
      name,
      {"  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    config: {path: in.csv}\n",
       "  - id: write\n    component: filesystem.csv_writer\n    mode: write\n    needs: [read]\n    config: {path: " +
           std::string(output) + "}\n"});
}

class Sessions : public testing::Test {
 protected:
  Sessions() {
    project_.write("in.csv", kCsv);
    project_.write("copy.yaml", copy_pipeline("copy-it", "out/copy.csv"));
  }
  Project project_;
};

TEST_F(Sessions, HoldEveryFileOfTheContract) {
  const Outcome run = project_.osiris({"run", "copy.yaml"});
  ASSERT_EQ(run.exit, 0) << run.out << run.err;
  const fs::path session = project_.session();
  for (const char* file :
       {"manifest.yaml", "cfg/read.json", "cfg/write.json", "events.jsonl", "metrics.jsonl", "osiris.log",
        "status.json", "artifacts.json", "artifacts/read/cleaned_config.json", "artifacts/write/cleaned_config.json"})
    EXPECT_TRUE(fs::is_regular_file(session / file)) << file;
  EXPECT_FALSE(fs::exists(session / "run.lock"));
  EXPECT_FALSE(fs::exists(session / "debug.log"));
  EXPECT_EQ(session.parent_path(), project_.dir() / "run_logs/dev/copy-it");
  EXPECT_NE(project_.read(session / "manifest.yaml").find("source_manifest_path"), std::string::npos);
}

TEST_F(Sessions, UseOneRunIdEverywhere) {
  const Outcome run = project_.osiris({"run", "copy.yaml", "--json"});
  ASSERT_EQ(run.exit, 0) << run.out << run.err;
  const std::string id = run.json()["session_id"].as_string();
  EXPECT_TRUE(id.starts_with("run-000001_")) << id;
  const fs::path session = project_.session();
  for (const char* file : {"events.jsonl", "metrics.jsonl"})
    for (const Json& line : Project::lines(session / file)) EXPECT_EQ(line["session"].as_string(), id) << line.dump();
  EXPECT_EQ(project_.runs().items().at(0)["run_id"].as_string(), id);
  EXPECT_NE(project_.read(session / "osiris.log").find("[" + id + "]"), std::string::npos);
  EXPECT_EQ(Project::events(session, "run_index_updated").at(0)["run_id"].as_string(), id);
}

TEST_F(Sessions, TellTheStoryInEvents) {
  ASSERT_EQ(project_.osiris({"run", "copy.yaml"}).exit, 0);
  const auto events = Project::lines(project_.session() / "events.jsonl");
  std::vector<std::string> names;
  for (const Json& event : events) names.push_back(event["event"].as_string());
  for (const char* name : {"env_loaded",
                           "compile_start",
                           "compile_complete",
                           "run_start",
                           "adapter_selected",
                           "manifest_materialized",
                           "cfg_materialized",
                           "adapter_prepare_start",
                           "adapter_prepare_complete",
                           "adapter_execute_start",
                           "session_initialized",
                           "step_start",
                           "artifacts_dir_created",
                           "cfg_opened",
                           "config_meta_stripped",
                           "artifact_created",
                           "inputs_resolved",
                           "step_complete",
                           "cleanup_complete",
                           "adapter_execute_complete",
                           "adapter_collect_start",
                           "adapter_collect_complete",
                           "run_complete",
                           "run_index_updated",
                           "run_end"})
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
  EXPECT_EQ(names.back(), "run_end");
  EXPECT_EQ(std::count(names.begin(), names.end(), "heartbeat"), 0);
  const fs::path session = project_.session();
  EXPECT_EQ(Project::events(session, "adapter_selected").at(0)["adapter"].as_string(), "local");
  EXPECT_EQ(Project::events(session, "adapter_execute_complete").at(0)["success"], Json(true));
  const Json cfg = Project::events(session, "cfg_materialized").at(0);
  EXPECT_EQ(cfg["path"].as_string(), "cfg/read.json");
  EXPECT_EQ(cfg["sha256"].as_string(), sha256_hex(project_.read(session / "cfg/read.json")));
  const Json resolved = Project::events(session, "inputs_resolved").at(0);
  EXPECT_EQ(resolved["key"].as_string(), "df_read");
  EXPECT_EQ(resolved["rows"], Json(3));
}

TEST_F(Sessions, CountRowsByTheRule) {
  ASSERT_EQ(project_.osiris({"run", "copy.yaml"}).exit, 0);
  EXPECT_EQ(Project::events(project_.session(), "cleanup_complete").at(0)["total_rows"], Json(3));
  const Json summary = *parse_json(project_.read([&] {
    for (const auto& entry : fs::recursive_directory_iterator(project_.dir() / "aiop"))
      if (entry.path().filename() == "summary.json") return entry.path();
    return fs::path("missing");
  }()));
  EXPECT_EQ(summary["run"]["total_rows"], Json(3));
  EXPECT_EQ(summary["outputs"].items().at(0)["path"].as_string(), "out/copy.csv");
  bool read = false, written = false;
  for (const Json& metric : Project::lines(project_.session() / "metrics.jsonl")) {
    const bool data = metric["metric"].as_string() == "rows_read" || metric["metric"].as_string() == "rows_written";
    if (!data) continue;
    EXPECT_EQ(metric["tags"]["step"], metric["step_id"]) << metric.dump();
    read = read || (metric["metric"].as_string() == "rows_read" && metric["step_id"].as_string() == "read" &&
                    metric["value"] == Json(3));
    written = written || (metric["metric"].as_string() == "rows_written" && metric["value"] == Json(3));
  }
  EXPECT_TRUE(read);
  EXPECT_TRUE(written);
}

TEST_F(Sessions, SayOkOnlyForAGoodRun) {
  ASSERT_EQ(project_.osiris({"run", "copy.yaml"}).exit, 0);
  Json status = project_.status();
  EXPECT_EQ(status["ok"], Json(true));
  EXPECT_EQ(status["steps_completed"], Json(2));
  EXPECT_EQ(status["reason"].as_string(), "");
  EXPECT_EQ(status["sandbox_id"].as_string(), "local");

  project_.write("bad.yaml", oml("bad", {mock_step("one", "rows: 3"), mock_step("two", "fail: boom", "one"),
                                         mock_step("three", "", "two")}));
  const Outcome bad = project_.osiris({"run", "bad.yaml", "--allow-mock"});
  EXPECT_EQ(bad.exit, 1) << bad.out << bad.err;
  status = project_.status();
  EXPECT_EQ(status["ok"], Json(false));
  EXPECT_EQ(status["exit_code"], Json(1));
  EXPECT_EQ(status["steps_completed"], Json(1));
  EXPECT_EQ(status["steps_total"], Json(3));
  EXPECT_EQ(status["reason"].as_string(), "execution_failed");
}

TEST_F(Sessions, NameTheFirstCauseOfAFailure) {
  project_.write("bad.yaml", oml("bad", {mock_step("one", "rows: 3"), mock_step("two", "fail: boom", "one"),
                                         mock_step("three", "", "two")}));
  const Outcome run = project_.osiris({"run", "bad.yaml", "--allow-mock"});
  EXPECT_EQ(run.exit, 1);
  EXPECT_NE(run.err.find("boom"), std::string::npos) << run.err;
  EXPECT_NE(run.out.find("✗ two: Failed (duration: "), std::string::npos) << run.out;
  EXPECT_NE(run.out.find("○ three: Skipped (two failed)"), std::string::npos) << run.out;
  EXPECT_NE(run.out.find("Session: "), std::string::npos);
  const Json error = Project::events(project_.session(), "run_error").at(0);
  EXPECT_EQ(error["step_id"].as_string(), "two");
  EXPECT_EQ(project_.runs().items().at(0)["status"].as_string(), "failed");
  EXPECT_NE(project_.osiris({"logs", "last"}).out.find("Status: failed"), std::string::npos);
}

TEST_F(Sessions, AreShownByRunsAndLogs) {
  const Json run = project_.osiris({"run", "copy.yaml", "--json"}).json();
  const std::string id = run["session_id"].as_string();
  EXPECT_NE(project_.osiris({"runs", "list"}).out.find(id), std::string::npos);
  EXPECT_NE(project_.osiris({"logs", "list"}).out.find("2/2"), std::string::npos);
  const Outcome shown = project_.osiris({"logs", "show", id});
  EXPECT_NE(shown.out.find("✓ read: 3 rows"), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("Status: success"), std::string::npos);
  EXPECT_EQ(project_.osiris({"logs", "show", id.substr(0, 12), "--json"}).json()["status"].as_string(), "success");
  EXPECT_EQ(
      project_.osiris({"logs", "last", "--events", "--tail", "1", "--json"}).json().items().at(0)["event"].as_string(),
      "run_end");
  const Outcome unknown = project_.osiris({"logs", "show", "run-nobody"});
  EXPECT_EQ(unknown.exit, 2);
  EXPECT_NE(unknown.err.find("there is no run 'run-nobody'"), std::string::npos);
}

TEST_F(Sessions, AreCopiedWithOut) {
  ASSERT_EQ(project_.osiris({"run", "copy.yaml", "--out", "delivered"}).exit, 0);
  EXPECT_EQ(project_.read("delivered/out/copy.csv"), project_.read("out/copy.csv"));
  EXPECT_TRUE(fs::exists(project_.dir() / "delivered/artifacts/read/cleaned_config.json"));
}

// Files of one name, written outside of the project: each has a place of its own.
TEST_F(Sessions, AreCopiedWithOutWhereverTheyWereWritten) {
  const std::string elsewhere =
      (project_.dir().parent_path() / (project_.dir().filename().string() + "_lake")).string();
  project_.write("lake.yaml",
                 "oml_version: \"0.1.0\"\nname: lake\nsteps:\n"
                 "  - id: days\n    component: duckdb.processor\n    mode: transform\n"
                 "    config: {query: \"SELECT i AS id, i % 4 AS day FROM range(8) t(i)\"}\n"
                 "  - id: save\n    component: filesystem.json_writer\n    mode: write\n"
                 "    config: {path: \"" +
                     elsewhere + "\", partition_by: [day], format: ndjson}\n");
  const Outcome run = project_.osiris({"run", "lake.yaml", "--out", "delivered"});
  ASSERT_EQ(run.exit, 0) << run.err;
  size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(project_.dir() / "delivered"))
    files += entry.path().extension() == ".ndjson";
  EXPECT_EQ(files, 4u);
  EXPECT_EQ(project_.read("delivered/save/day=3/data_0.ndjson"), "{\"id\":3}\n{\"id\":7}\n");
  fs::remove_all(elsewhere);
}

TEST_F(Sessions, JsonIsOneDocumentAndNothingElse) {
  const Outcome run = project_.osiris({"--json", "run", "copy.yaml"});
  EXPECT_EQ(run.exit, 0);
  const Json document = run.json();
  EXPECT_EQ(run.err, "");
  EXPECT_EQ(document["status"].as_string(), "success");
  EXPECT_EQ(document["message"].as_string(), "Pipeline executed successfully (local)");
  EXPECT_EQ(document["execution_type"].as_string(), "local");
  EXPECT_TRUE(document["duration"]["total"].is_number());
  EXPECT_TRUE(fs::exists(document["compiled_dir"].as_string()));
  EXPECT_EQ(document["steps"].size(), 2u);
  EXPECT_EQ(document["outputs"].items().at(0)["sha256"].as_string(), sha256_hex(project_.read("out/copy.csv")));

  project_.write("bad.yaml", oml("bad", {mock_step("one", "fail: boom")}));
  const Outcome bad = project_.osiris({"run", "bad.yaml", "--allow-mock", "--json"});
  EXPECT_EQ(bad.exit, 1);
  EXPECT_EQ(bad.json()["status"].as_string(), "error");
  EXPECT_EQ(bad.json()["phase"].as_string(), "execute");
  EXPECT_EQ(bad.json()["exit_code"], Json(1));
}

// What a host that was killed may leave: a step without an end, half a line in each file.
TEST_F(Sessions, OfAKilledHostCanBeReadAndAreContinued) {
  project_.write("p.yaml", oml("p", {mock_step("quick", "rows: 2"), mock_step("stuck", "hang: politely", "quick")}));
  Running running = project_.start({"run", "p.yaml", "--allow-mock"});
  running.until("stuck: Starting");
  const fs::path session = project_.session();
  running.kill(SIGKILL);
  EXPECT_EQ(running.end().exit, 128 + SIGKILL);
  std::ofstream(session / "events.jsonl", std::ios::app) << "{\"ts\":\"torn";
  std::ofstream(project_.dir() / ".osiris/index/runs.jsonl", std::ios::app) << "{\"run_id\":\"torn";

  const Outcome shown = project_.osiris({"logs", "last"});
  EXPECT_NE(shown.out.find("Status: interrupted"), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("✓ quick: 2 rows"), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("▶ stuck: did not end"), std::string::npos) << shown.out;
  EXPECT_EQ(
      project_.osiris({"logs", "last", "--events", "--json"}).json().items().back()["event"].as_string().find("torn"),
      std::string::npos);
  EXPECT_EQ(project_.runs().size(), 1u);

  ASSERT_EQ(project_.osiris({"run", "copy.yaml"}).exit, 0);
  EXPECT_EQ(project_.runs().size(), 2u);
  EXPECT_EQ(project_.read(".osiris/index/runs.jsonl").find("torn"), std::string::npos) << "the next writer trims it";
}

TEST_F(Sessions, ThatAreGoneAreNotShownAsEmpty) {
  ASSERT_EQ(project_.osiris({"run", "copy.yaml"}).exit, 0);
  fs::remove_all(project_.dir() / "run_logs");
  const Outcome events = project_.osiris({"logs", "last", "--events"});
  EXPECT_EQ(events.exit, 2);
  EXPECT_NE(events.err.find("events.jsonl: No such file"), std::string::npos) << events.err;
  EXPECT_EQ(project_.osiris({"logs", "last"}).exit, 0) << "the index still knows the run";
  EXPECT_EQ(project_.osiris({"runs", "list", "--status", "failed"}).out, "No run is like that.\n");
  const Outcome unknown = project_.osiris({"runs", "list", "--status", "fail"});
  EXPECT_EQ(unknown.exit, 2);
  EXPECT_NE(unknown.err.find("failed"), std::string::npos) << unknown.err;
}

TEST_F(Sessions, VerboseWritesDebugLog) {
  ASSERT_EQ(project_.osiris({"run", "copy.yaml", "--verbose"}).exit, 0);
  EXPECT_TRUE(fs::exists(project_.session() / "debug.log"));
}

TEST_F(Sessions, TwoAtOnceInOneProjectKeepApart) {
  project_.write("a.yaml", oml("same name", {mock_step("one", "rows: 10, sleep_ms: 100")}));
  std::vector<Running> running;
  for (int i = 0; i < 4; ++i) running.push_back(project_.start({"run", "a.yaml", "--allow-mock"}));
  for (Running& run : running) {
    const Outcome outcome = run.end();
    EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  }
  EXPECT_EQ(project_.sessions().size(), 4u);
  const Json runs = project_.runs();
  ASSERT_EQ(runs.size(), 4u);
  std::map<std::string, int> ids;
  for (const Json& run : runs.items()) {
    ++ids[run["run_id"].as_string()];
    EXPECT_EQ(run["status"].as_string(), "success");
  }
  EXPECT_EQ(ids.size(), 4u);
  for (const fs::path& session : project_.sessions()) EXPECT_EQ(Project::events(session, "run_end").size(), 1u);
}

TEST_F(Sessions, ARunOfNoRowsIsASuccess) {
  project_.write("in.csv", "id,name\n");
  ASSERT_EQ(project_.osiris({"run", "copy.yaml"}).exit, 0);
  EXPECT_EQ(project_.read("out/copy.csv"), "id,name\n");
}

TEST_F(Sessions, AThousandStepsRun) {
  std::vector<std::string> steps = {mock_step("s0", "rows: 1")};
  for (int i = 1; i < 1000; ++i) steps.push_back(mock_step("s" + std::to_string(i), "", "s" + std::to_string(i - 1)));
  project_.write("many.yaml", oml("many", steps));
  const Outcome run = project_.osiris({"run", "many.yaml", "--allow-mock", "--json"});
  ASSERT_EQ(run.exit, 0) << run.err;
  EXPECT_EQ(project_.status()["steps_completed"], Json(1000));
}

}  // namespace
}  // namespace osiris::e2e
