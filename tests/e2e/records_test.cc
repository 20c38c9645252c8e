// The records of runs, long after: finding one again, reading the predecessor's, and cleaning up.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>

#include "protocol/base/text.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;

class Records : public testing::Test {
 protected:
  Records() {
    for (const char* name : {"hello", "other"})
      project_.write(std::string(name) + ".yaml", oml(name, {mock_step("one", "rows: 3")}));
  }
  Json run(const std::string& name) {
    const Outcome outcome = project_.osiris({"run", name + ".yaml", "--allow-mock", "--json"});
    EXPECT_EQ(outcome.exit, 0) << outcome.err;
    return outcome.json();
  }
  std::string id_of(const std::string& name) { return run(name)["session_id"].as_string(); }
  // The run that `osiris logs show NAME` shows.
  std::string shown(const std::string& name) {
    const Outcome outcome = project_.osiris({"logs", "show", name, "--json"});
    return outcome.exit == 0 ? outcome.json()["session_id"].as_string() : outcome.err;
  }
  static void make_old(const fs::path& file, int days) {
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(24 * days + 1));
  }
  std::vector<std::string> removed(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"clean", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = project_.osiris(arguments);
    EXPECT_EQ(outcome.exit, 0) << outcome.err;
    std::vector<std::string> paths;
    const Json document = outcome.json();
    for (const Json& record : document["removed"].items()) paths.push_back(record["path"].as_string());
    return paths;
  }
  Project project_;
};

TEST_F(Records, ARunIsFoundByItsNumberInEitherCaseAndSpelling) {
  const std::string first = id_of("hello"), second = id_of("hello");
  for (const std::string& name :
       {std::string("2"), std::string("000002"), std::string("run-000002"), std::string("hello/2"),
        second.substr(second.size() - 8), ascii_lower(second.substr(second.size() - 8)), ascii_lower(second)})
    EXPECT_EQ(shown(name), second) << name;
  std::string as_in_directories = ascii_lower(second);
  as_in_directories[as_in_directories.find('_')] = '-';
  EXPECT_EQ(shown(as_in_directories), second);
  EXPECT_EQ(shown("1"), first);
}

TEST_F(Records, ANumberThatTwoPipelinesHaveIsAnsweredWithWhatTellsThemApart) {
  const std::string hello = id_of("hello"), other = id_of("other");
  const std::string answer = shown("1");
  EXPECT_NE(answer.find("'1' names 2 runs"), std::string::npos) << answer;
  EXPECT_NE(answer.find("say which: other/1, hello/1"), std::string::npos) << answer;
  EXPECT_EQ(shown("hello/1"), hello);
  EXPECT_EQ(shown("other/1"), other);
}

// As Python Osiris 0.5.7 writes it: rows are in metrics, mostly without the step, and the index does not know the
// adapter.
TEST_F(Records, SessionsOfThePredecessorAreReadWithTheirRows) {
  const fs::path session =
      project_.dir() / "run_logs/dev/old/20251123t054253z_run-000001-01m83evf9ct33h60a2b59753jp-781ac7a";
  const auto event = [](const char* second, const std::string& rest) {
    return std::string(R"({"ts":"2025-11-23T05:42:)") + second +
           R"(.000000+00:00","session":"20251123_054253_e22174f0",)" + rest + "}\n";
  };
  project_.write(
      session / "events.jsonl",
      event("53", R"("event":"adapter_selected","adapter":"local")") +
          event("54", R"("event":"step_start","step_id":"read-calls","driver":"filesystem.csv_extractor")") +
          event("55",
                R"("event":"step_complete","step_id":"read-calls","driver":"x","output_dir":"y","duration":1.5)") +
          event("56", R"("event":"step_start","step_id":"total","driver":"duckdb.processor")") +
          event("57", R"("event":"step_complete","step_id":"total","driver":"x","output_dir":"y","duration":0.5)") +
          event("58", R"("event":"step_start","step_id":"write","driver":"filesystem.csv_writer")") +
          event("59", R"("event":"step_complete","step_id":"write","driver":"x","output_dir":"y","duration":0.25)"));
  project_.write(session / "metrics.jsonl",
                 event("54", R"("metric":"rows_read","value":6,"tags":{"step":"read-calls"})") +
                     event("58", R"("metric":"rows_written","value":3)"));
  project_.write(session / "osiris.log", "");
  const Json record = Json::object({{"run_id", "run-000001_01M83EVF9CT33H60A2B59753JP"},
                                    {"pipeline_slug", "old"},
                                    {"profile", "dev"},
                                    {"manifest_hash", "781ac7a0"},
                                    {"manifest_short", "781ac7a"},
                                    {"run_ts", "2025-11-23T05:42:53+00:00"},
                                    {"status", "success"},
                                    {"duration_ms", 2250},
                                    {"run_logs_path", session.string()},
                                    {"runtime_env", ""}});
  project_.write(".osiris/index/runs.jsonl", record.dump() + "\n");
  const Outcome text = project_.osiris({"logs", "last"});
  for (const char* line : {"Adapter: local\n", "  ✓ read-calls: 6 rows, 1.50s\n", "  ✓ total: – rows, 0.50s\n",
                           "  ✓ write: 3 rows, 0.25s\n"})
    EXPECT_NE(text.out.find(line), std::string::npos) << line << text.out << text.err;
  const Json document = project_.osiris({"logs", "last", "--json"}).json();
  EXPECT_EQ(document["steps"].items().at(0)["rows"], Json(6));
  EXPECT_TRUE(document["steps"].items().at(1)["rows"].is_null()) << document.dump();
  EXPECT_EQ(document["adapter"].as_string(), "local");
}

TEST_F(Records, OurOwnSessionsShowTheRowsOfEachStep) {
  project_.write("in.csv", "id\n1\n");
  project_.write(
      "p.yaml", oml("p", {"  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}\n",
                          "  - {id: save, component: filesystem.csv_writer, mode: write, config: {path: out.csv}}\n"}));
  ASSERT_EQ(project_.osiris({"run", "p.yaml"}).exit, 0);
  const Outcome text = project_.osiris({"logs", "last"});
  EXPECT_NE(text.out.find("  ✓ read: 1 row, "), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("  ✓ save: 1 row, "), std::string::npos) << text.out;
}

TEST_F(Records, CleanRemovesSessionsByAgeAndSaysWhatItKeeps) {
  const fs::path old = run("hello")["session_dir"].as_string(), young = run("hello")["session_dir"].as_string();
  make_old(old / "events.jsonl", 7);
  make_old(young / "events.jsonl", 5);
  const auto before = project_.tree();
  const Outcome dry = project_.osiris({"clean", "--dry-run"});
  EXPECT_EQ(dry.exit, 0) << dry.err;
  EXPECT_NE(dry.out.find("would remove session " + old.lexically_relative(project_.dir()).string() + "  (7 days old"),
            std::string::npos)
      << dry.out;
  EXPECT_EQ(project_.tree(), before) << "a dry run touches nothing";
  const Outcome done = project_.osiris({"clean"});
  EXPECT_EQ(done.exit, 0) << done.err;
  EXPECT_NE(done.out.find("removed session run_logs/dev/hello/"), std::string::npos) << done.out;
  EXPECT_NE(done.out.find("Kept 1 session: younger than 7 days (filesystem.retention.run_logs_days)"),
            std::string::npos)
      << done.out;
  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(young));
  EXPECT_NE(project_.osiris({"clean"}).out.find("Nothing to remove"), std::string::npos);
  EXPECT_EQ(project_.runs().size(), 2u) << "the index remembers both";
  EXPECT_NE(project_.osiris({"logs", "show", "1"}).out.find("The session was removed"), std::string::npos);
}

TEST_F(Records, HowLongIsKeptIsReadFromTheFileAndTheVariable) {
  const fs::path session = run("hello")["session_dir"].as_string();
  make_old(session / "events.jsonl", 20);
  project_.write("osiris.yaml", "version: \"2.0\"\nfilesystem: {retention: {run_logs_days: 30}}\n");
  const Outcome outcome = project_.osiris({"clean", "--dry-run"});
  EXPECT_EQ(outcome.err, "") << "the key is no longer one without effect";
  EXPECT_NE(outcome.out.find("younger than 30 days"), std::string::npos) << outcome.out;
  project_.set("OSIRIS_RETENTION_RUN_LOGS_DAYS", "10");
  EXPECT_EQ(removed({"--dry-run"}), std::vector<std::string>{session.string()});
  project_.set("OSIRIS_RETENTION_RUN_LOGS_DAYS", "ten");
  const Outcome wrong = project_.osiris({"clean"});
  EXPECT_EQ(wrong.exit, 2);
  EXPECT_NE(wrong.err.find("OSIRIS_RETENTION_RUN_LOGS_DAYS must be a whole number from 0"), std::string::npos)
      << wrong.err;
  project_.set("OSIRIS_RETENTION_RUN_LOGS_DAYS", "");
  project_.write("osiris.yaml", "version: \"2.0\"\nfilesystem: {retention: {run_logs_days: -1, rum_logs_days: 3}}\n");
  const Outcome refused = project_.osiris({"clean"});
  EXPECT_EQ(refused.exit, 2);
  EXPECT_NE(refused.err.find("retention.run_logs_days must be between 0 and"), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("did you mean 'run_logs_days'?"), std::string::npos) << refused.err;
}

TEST_F(Records, CleanKeepsTheNewestSummariesOfEachPipeline) {
  std::vector<fs::path> hello;
  for (int i = 0; i < 3; ++i) run("hello");
  run("other");
  const Json runs = project_.runs();
  for (const Json& record : runs.items())
    if (record["pipeline_slug"].as_string() == "hello") hello.push_back(record["aiop_path"].as_string());
  ASSERT_EQ(hello.size(), 3u);  // newest first
  make_old(hello[1] / "summary.json", 1);
  make_old(hello[2] / "summary.json", 2);
  project_.set("OSIRIS_RETENTION_AIOP_KEEP_RUNS_PER_PIPELINE", "2");
  EXPECT_EQ(removed(), std::vector<std::string>{hello[2].string()});
  EXPECT_TRUE(fs::exists(hello[0]));
  EXPECT_TRUE(fs::exists(hello[1]));
  EXPECT_FALSE(fs::exists(hello[2]));
}

TEST_F(Records, CleanRemovesTheAnnexesOfThePredecessorByAge) {
  run("hello");
  const fs::path summary = project_.runs().items().at(0)["aiop_path"].as_string();
  project_.write(summary / "annex/timeline.ndjson", "{}\n");
  EXPECT_TRUE(removed().empty());
  make_old(summary / "annex/timeline.ndjson", 14);
  make_old(summary / "annex", 14);
  EXPECT_EQ(removed(), std::vector<std::string>{(summary / "annex").string()});
  EXPECT_TRUE(fs::exists(summary / "summary.json"));
  project_.write(summary / "annex/timeline.ndjson", "{}\n");
  project_.set("OSIRIS_RETENTION_ANNEX_KEEP_DAYS", "0");
  EXPECT_EQ(removed().size(), 1u);
}

TEST_F(Records, CleanLeavesARunThatGoesOn) {
  project_.write("long.yaml", oml("long", {mock_step("one", "sleep_ms: 60000")}));
  Running running = project_.start({"run", "long.yaml", "--allow-mock"});
  running.until("one: Starting");
  const fs::path session = project_.session();
  make_old(session / "events.jsonl", 100);
  project_.set("OSIRIS_RETENTION_RUN_LOGS_DAYS", "0");
  const Outcome outcome = project_.osiris({"clean"});
  EXPECT_NE(outcome.out.find("Kept 1 session: its run goes on"), std::string::npos) << outcome.out << outcome.err;
  EXPECT_TRUE(fs::exists(session / "events.jsonl"));
  running.kill(SIGINT);
  EXPECT_EQ(running.end().exit, 130);
  EXPECT_EQ(removed(), std::vector<std::string>{session.string()});
}

TEST_F(Records, CleanLeavesAnInterruptedSessionWhoseProcessIsAlive) {
  const Json document = run("hello");
  const fs::path session = document["session_dir"].as_string();
  make_old(session / "events.jsonl", 100);
  Json record = project_.runs().items().at(0);
  record.set("status", "running");
  record.set("pid", int64_t{::getpid()});
  project_.write(".osiris/index/runs.jsonl", record.dump() + "\n");
  EXPECT_TRUE(removed().empty());
  record.set("pid", int64_t{1 << 30});
  project_.write(".osiris/index/runs.jsonl", record.dump() + "\n");
  EXPECT_EQ(project_.runs().items().at(0)["status"].as_string(), "interrupted");
  EXPECT_EQ(removed(), std::vector<std::string>{session.string()}) << "its process is gone";
}

TEST_F(Records, CleanTouchesNothingThatIsNoRecord) {
  run("hello");
  project_.write("run_logs/notes/events.jsonl", "mine\n");
  project_.write("run_logs/data.csv", "mine\n");
  fs::create_directory_symlink(project_.dir() / "elsewhere", project_.dir() / "run_logs/link");
  project_.write("elsewhere/events.jsonl", "\n");
  project_.write("elsewhere/osiris.log", "\n");
  project_.set("OSIRIS_RETENTION_RUN_LOGS_DAYS", "0");
  project_.set("OSIRIS_RETENTION_AIOP_KEEP_RUNS_PER_PIPELINE", "0");
  EXPECT_EQ(removed().size(), 2u) << "the session and the summary of one run";
  for (const char* file : {"run_logs/notes/events.jsonl", "run_logs/data.csv", "elsewhere/events.jsonl", "hello.yaml"})
    EXPECT_TRUE(fs::exists(project_.dir() / file)) << file;
  EXPECT_FALSE(project_.read("build/pipelines/dev/hello/LATEST").empty());
}

}  // namespace
}  // namespace osiris::e2e
