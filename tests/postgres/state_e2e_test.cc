// Incremental pipelines from one table of a real PostgreSQL to another: the real osiris, worker and server. What is
// kept after a run, what a run that fails or is killed leaves, and the commands that show and change it.
//
//   OSIRIS_KILL_SEED=N    the points of the kills again (printed by every run)
//   OSIRIS_KILLS=N        so many kills, in the place of 100, or of 300 in `make attack`
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <random>

#include "tests/attack/scale.h"
#include "tests/e2e/project.h"
#include "tests/postgres/postgres_server.h"
#include "tests/support/eventually.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;
using osiris::test::PostgresServer;
using ::testing::HasSubstr;

constexpr int kRoundsMax = 1000;  // of which some end before their kill

class State : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto server = PostgresServer::start();
    ASSERT_TRUE(server.ok()) << server.error().message;
    server_ = std::move(server)->release();
    on_server("CREATE ROLE app LOGIN PASSWORD 'app-password'; GRANT CREATE, USAGE ON SCHEMA public TO app");
  }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }
  void SetUp() override {
    on_server(
        "DROP TABLE IF EXISTS source, target; SET ROLE app; CREATE TABLE source (id int PRIMARY KEY, v text, at "
        "timestamptz)");
    project_.write(
        "osiris_connections.yaml",
        "version: 1\nconnections:\n  postgres:\n    lake: {host: 127.0.0.1, port: " + std::to_string(server_->port()) +
            ", database: postgres, user: app, password: '${LAKE_PASSWORD}'}\n",
        0600);
    project_.set("LAKE_PASSWORD", "app-password");
    write_pipeline("upsert");
  }
  void write_pipeline(const std::string& mode, const std::string& after = "") {
    project_.write("sync.yaml",
                   oml("daily sync",
                       {"  - id: read\n    component: postgres.extractor\n    mode: read\n    config: {connection: "
                        "'@postgres.lake', table: source, incremental: {column: at, key: [id]}}\n",
                        "  - id: save\n    component: postgres.writer\n    mode: write\n    needs: [read]\n    config: "
                        "{connection: '@postgres.lake', table: target, create_table: true, write_mode: " +
                            mode + ", primary_key: id}\n",
                        after}));
  }
  static void on_server(const std::string& sql) {
    const Status done = server_->execute(sql);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  static std::string ask(const std::string& sql) {
    const auto answer = server_->query(sql);
    return answer.ok() ? *answer : answer.error().message;
  }
  // Rows that the target has and the source has not, or the other way round.
  static std::string differences() {
    return ask(
        "SELECT count(*) FROM ((TABLE source EXCEPT TABLE target) UNION ALL (TABLE target EXCEPT TABLE source)) x");
  }
  void run(int exit = 0) {
    const Outcome outcome = project_.osiris({"run", "sync.yaml"});
    ASSERT_EQ(outcome.exit, exit) << outcome.out << outcome.err;
  }
  Json state() const { return project_.osiris({"--json", "state", "show", "sync.yaml"}).json()["steps"]["read"]; }

  static PostgresServer* server_;
  Project project_;
};
PostgresServer* State::server_ = nullptr;

TEST_F(State, ASecondRunReadsWhatIsNew) {
  on_server(
      "INSERT INTO source SELECT n, 'v' || n, '2024-01-01Z'::timestamptz + n / 2 * interval '1 s' FROM "
      "generate_series(1, 9) n");
  run();
  const Json kept = state();
  EXPECT_EQ(kept["state"]["value"].as_string(), "2024-01-01 00:00:04+00");
  EXPECT_EQ(kept["component"].as_string(), "postgres.extractor");
  EXPECT_EQ(project_.read(".osiris/state/dev/daily-sync.json").empty(), false);
  on_server("INSERT INTO source VALUES (10, 'tie', '2024-01-01 00:00:04Z'), (11, 'new', '2024-01-02Z')");
  const Outcome dry = project_.osiris({"run", "sync.yaml", "--dry-run"});
  EXPECT_THAT(dry.out, HasSubstr("goes on from at >= 2024-01-01 00:00:04+00, 2 rows of that value taken"));
  run();
  EXPECT_EQ(differences(), "0\n");
  const auto metrics = Project::lines(project_.session() / "metrics.jsonl");
  bool seen = false;
  for (const Json& metric : metrics)
    if (metric["metric"].as_string() == "rows_out" && metric["step_id"].as_string() == "read") {
      seen = true;
      EXPECT_EQ(metric["value"].as_int(), 2);
    }
  EXPECT_TRUE(seen);
  EXPECT_EQ(Project::events(project_.session(), "state_committed").size(), 1u);
}

TEST_F(State, AppendTakesEachRowOnce) {
  write_pipeline("append");
  on_server("INSERT INTO source VALUES (1, 'a', '2024-01-01Z'), (2, 'b', '2024-01-01Z')");
  run();
  run();
  on_server("INSERT INTO source VALUES (3, 'c', '2024-01-01Z'), (4, 'd', '2024-01-02Z')");
  run();
  EXPECT_EQ(ask("SELECT string_agg(id::text, ' ' ORDER BY id) FROM target"), "1 2 3 4\n");
}

TEST_F(State, AFailedRunKeepsTheStateItBeganWith) {
  on_server("INSERT INTO source VALUES (1, 'a', '2024-01-01Z')");
  run();
  const std::string before = project_.read(".osiris/state/dev/daily-sync.json");
  on_server("INSERT INTO source VALUES (2, 'b', '2024-01-02Z')");
  write_pipeline("upsert",
                 "  - id: break\n    component: duckdb.processor\n    mode: transform\n    needs: [read, save]\n    "
                 "config: {query: \"SELECT error('no luck') FROM df_read\"}\n");
  run(1);
  EXPECT_EQ(project_.read(".osiris/state/dev/daily-sync.json"), before);
  write_pipeline("upsert");
  run();
  EXPECT_EQ(differences(), "0\n");
  EXPECT_NE(project_.read(".osiris/state/dev/daily-sync.json"), before);
}

TEST_F(State, AFileThatIsNoStateStopsTheRunBeforeItBegins) {
  on_server("INSERT INTO source VALUES (1, 'a', '2024-01-01Z')");
  run();
  const std::string good = project_.read(".osiris/state/dev/daily-sync.json");
  project_.write(".osiris/state/dev/daily-sync.json", good.substr(0, good.size() / 2));
  for (const std::vector<std::string>& words : {std::vector<std::string>{"run", "sync.yaml"},
                                                {"run", "sync.yaml", "--dry-run"},
                                                {"state", "show", "sync.yaml"}}) {
    const Outcome outcome = project_.osiris(words);
    EXPECT_EQ(outcome.exit, 2) << words[0];
    EXPECT_THAT(outcome.err, HasSubstr("daily-sync.json is no state of this pipeline"));
  }
}

TEST_F(State, OneRunAtATimeGoesOnFromAState) {
  write_pipeline("upsert", mock_step("wait", "hang: politely"));
  on_server("INSERT INTO source VALUES (1, 'a', '2024-01-01Z')");
  Running first = project_.start({"run", "sync.yaml", "--allow-mock"});
  first.until("wait: Starting");
  for (const std::vector<std::string>& words : {std::vector<std::string>{"run", "sync.yaml", "--allow-mock"},
                                                {"state", "set", "sync.yaml", "read", "2024-01-01"}}) {
    const Outcome second = project_.osiris(words);
    EXPECT_EQ(second.exit, 3) << second.out;
    EXPECT_THAT(second.err, HasSubstr("another run of pipeline 'daily_sync' is under way"));
  }
  first.kill(SIGTERM);
  EXPECT_EQ(first.end().exit, 130);
  EXPECT_TRUE(state().is_null()) << "a cancelled run keeps nothing";
}

TEST_F(State, SetAndResetDecideWhereARunBegins) {
  on_server("INSERT INTO source VALUES (1, 'a', '2024-01-01Z'), (2, 'b', '2024-01-02Z')");
  EXPECT_EQ(project_.osiris({"state", "set", "sync.yaml", "read", "2024-01-02"}).exit, 0);
  run();
  EXPECT_EQ(ask("SELECT string_agg(id::text, ' ') FROM target"), "2\n");
  EXPECT_THAT(project_.osiris({"state", "show"}).out, HasSubstr("at >= 2024-01-02"));
  EXPECT_EQ(project_.osiris({"state", "set", "daily sync", "read", R"({"value":"2024-01-01"})"}).exit, 0);
  EXPECT_EQ(project_.osiris({"state", "reset", "sync.yaml"}).exit, 2) << "of which step?";
  EXPECT_EQ(project_.osiris({"state", "reset", "sync.yaml", "nope"}).exit, 2);
  EXPECT_EQ(project_.osiris({"state", "set", "sync.yaml", "nope", "1"}).exit, 2);
  EXPECT_EQ(project_.osiris({"state", "reset", "sync.yaml", "read"}).exit, 0);
  EXPECT_TRUE(state().is_null());
  run();
  EXPECT_EQ(differences(), "0\n");
}

// Values that are larger than what the run may take of memory, several times over: an error, and no crash of the
// worker, whichever of its connections reads them.
TEST_F(State, AValueThatMemoryDoesNotHoldIsAClearError) {
  on_server(
      "DROP TABLE IF EXISTS wide; SET ROLE app; CREATE TABLE wide AS SELECT id, repeat('x', 500000000) AS v "
      "FROM generate_series(1, 2) AS id");
  for (const std::string parts : {"", ", partition: {column: id, parts: 2}"}) {
    project_.write("wide.yaml",
                   oml("wide", {"  - id: read\n    component: postgres.extractor\n    mode: read\n    config: "
                                "{connection: '@postgres.lake', table: wide" +
                                    parts + "}\n",
                                "  - id: save\n    component: filesystem.csv_writer\n    mode: write\n"
                                "    config: {path: wide.csv}\n"}));
    const Outcome outcome = project_.osiris({"run", "wide.yaml", "--memory-limit", "128MiB", "--json"});
    EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
    const Json document = outcome.json();
    EXPECT_EQ(document["steps"].items().at(0)["category"].as_string(), "runtime.memory_exceeded") << outcome.out;
    EXPECT_FALSE(fs::exists(project_.dir() / "wide.csv"));
  }
  on_server("DROP TABLE wide");
}

// Each round changes the source, kills a run somewhere in its life, and repeats it. Then the target is what it would be
// had there been no kill.
TEST_F(State, AKilledAndRepeatedRunGivesTheRowsOfAnUndisturbedOne) {
  const auto seed =
      static_cast<unsigned>(attack::scale("OSIRIS_KILL_SEED", std::random_device()(), std::random_device()()));
  const int kills = static_cast<int>(attack::scale("OSIRIS_KILLS", 100, 300));
  std::printf("OSIRIS_KILL_SEED=%u, %d kills\n", seed, kills);
  std::mt19937 random(seed);
  using Clock = std::chrono::steady_clock;
  on_server("INSERT INTO source SELECT n, 'v', '2024-01-01Z' FROM generate_series(1, 50) n");
  // Three rounds share a time: there are ties between what was taken before a kill and what comes after it.
  const auto begun = Clock::now();
  run();
  const auto life = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begun).count();
  int killed = 0;
  for (int round = 1; killed < kills && round <= kRoundsMax; ++round) {
    const std::string now = "'2024-01-01Z'::timestamptz + " + std::to_string(round / 3 + 1) + " * interval '1 min'";
    on_server("INSERT INTO source SELECT n, 'new', " + now + " FROM generate_series(" + std::to_string(round * 100) +
              ", " + std::to_string(round * 100 + 7) + ") n; UPDATE source SET v = 'round " + std::to_string(round) +
              "', at = " + now + " WHERE id = " + std::to_string(round % 50 + 1));
    Running running = project_.start({"run", "sync.yaml"});
    const auto until =
        Clock::now() + std::chrono::microseconds(std::uniform_int_distribution<int64_t>(0, life / 2)(random));
    (void)osiris::test::eventually([&] { return Clock::now() >= until || !is_alive(running.pid()); });
    running.kill(SIGKILL);
    killed += running.end().exit == 128 + SIGKILL;
    if (round % 5 != 0) continue;  // kills after kills too
    run();
    ASSERT_EQ(differences(), "0\n") << "round " << round;
  }
  run();
  EXPECT_EQ(differences(), "0\n");
  std::printf("attack: upserts by state: %d kills, rows that differ 0\n", killed);
  EXPECT_EQ(killed, kills) << "the others ended first";
}

}  // namespace
}  // namespace osiris::e2e
