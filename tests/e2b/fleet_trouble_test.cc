// What may go wrong with shards in several sandboxes beside their own failures: sandboxes that are lost all at once,
// again and again or with the union, shards that hang or fill memory, files that change or vanish, a full disk here, a
// clock that jumps, and a cap that is reached before the shards, in the middle of one, and after them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "protocol/base/file.h"
#include "tests/e2b/sandboxed_project.h"
#include "tests/support/eventually.h"

namespace osiris::e2b_test {
namespace {

namespace fs = std::filesystem;
using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr int kShards = 8;

class FleetTrouble : public testing::Test {
 protected:
  FleetTrouble() : server_(start_server()) {
    use_server(project_, server_);
    for (int i = 0; i < kShards; ++i) {
      project_.write("in/" + std::to_string(i) + ".csv", "n\n" + std::to_string(i) + "\n");
      expected_ += std::to_string(i) + "\n";
    }
  }
  // `each`: what a shard's program does before it gives its row on; `all`: what the union's does.
  void pipeline(const std::string& each, const std::string& option = "", const std::string& timeout = "",
                const std::string& all = "pass") {
    const auto program = [](const std::string& id, const std::string& more, const std::string& code) {
      return "  - id: " + id + "\n    component: python.processor\n    mode: transform\n" + more +
             "    config:\n      format: ndjson\n      code: |\n        import os, shutil, time\n        " + code +
             "\n        shutil.copyfile(os.environ['OSIRIS_INPUT'], os.environ['OSIRIS_OUTPUT'])\n";
    };
    project_.write(
        "pipeline.yaml",
        e2e::oml("trouble",
                 {"  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    foreach: {files: "
                  "'in/*.csv'" +
                      option + "}\n    config: {path: \"${shard.value}\"}\n",
                  program("work", "    per_shard: true\n" + timeout, each),
                  "  - id: each\n    component: filesystem.csv_writer\n    mode: write\n    per_shard: true\n    "
                  "config: {path: \"out/${shard.stem}.csv\"}\n",
                  program("union", "    needs: [work]\n", all),
                  "  - id: all\n    component: filesystem.csv_writer\n    mode: write\n    config: {path: "
                  "out/all.csv}\n"}));
  }
  static std::vector<std::string> arguments(const std::string& sandboxes, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"--e2b-sandboxes", sandboxes});
    return run_arguments("e2b", more);
  }
  // By these prices a second of a sandbox is two cents, and each may come to 76 s + its lease + its reserve.
  static std::vector<std::string> with_cap(const std::string& dollars, const std::string& lease_s,
                                           std::vector<std::string> more) {
    more.insert(more.end(), {"--e2b-price-cpu", "0.01", "--e2b-price-mem", "0", "--e2b-lease", lease_s,
                             "--e2b-cost-reserve", "4", "--e2b-connect-timeout", "1", "--max-cost", dollars});
    return more;
  }
  // For one sandbox, and for none in its place.
  static std::vector<std::string> with_cap_of_one(std::vector<std::string> more = {}) {
    return with_cap("2.81", "60", std::move(more));
  }
  // names -> save -> first (a program) -> work, with the shards of read
  void pipeline_with_first(const std::string& first) {
    const std::string code =
        "    config:\n      format: ndjson\n      code: |\n        import os, shutil, time\n        ";
    project_.write(
        "pipeline.yaml",
        e2e::oml("before",
                 {"  - {id: names, component: duckdb.processor, mode: transform, needs: [], config: {query: \"SELECT 1 "
                  "AS k\"}}\n",
                  "  - {id: save, component: filesystem.csv_writer, mode: write, needs: [names], config: {path: "
                  "out/names.csv}}\n",
                  "  - id: first\n    component: python.processor\n    mode: transform\n    needs: [save]\n" + code +
                      first + "\n        open(os.environ['OSIRIS_OUTPUT'], 'w').write('{\"k\": 1}\\n')\n",
                  "  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    needs: []\n    foreach: "
                  "{files: 'in/*.csv'}\n    config: {path: \"${shard.value}\"}\n",
                  "  - id: work\n    component: duckdb.processor\n    mode: transform\n    needs: [read, first]\n    "
                  "per_shard: true\n    config: {query: \"SELECT n FROM df_read, df_first\"}\n",
                  "  - id: all\n    component: filesystem.csv_writer\n    mode: write\n    needs: [work]\n    config: "
                  "{path: out/all.csv}\n"}));
  }
  static size_t count_of(const std::string& text, const std::string& part) {
    size_t found = 0;
    for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
    return found;
  }
  // Shards that this run has accepted by now.
  size_t accepted() const {
    if (project_.sessions().empty()) return 0;
    const auto journal = read_file(project_.session() / "adapter/e2b-journal.jsonl");
    return journal.ok() ? count_of(*journal, "\"shard_accepted\"") : 0;
  }
  // Parts of the run that were handed to a sandbox, those that were asked back included.
  int64_t begun() const { return server_.count("POST /process.Process/StreamInput"); }
  bool has_union_begun() const {
    if (begun() <= kShards) return false;  // there may be no session yet
    const auto starts = Project::events(project_.session(), "step_start");
    return std::any_of(starts.begin(), starts.end(),
                       [](const Json& start) { return start["step_id"].as_string() == "union"; });
  }
  void kill_all() const {
    const Json alive = server_.sandboxes();
    for (const Json& sandbox : alive.items()) server_.kill_sandbox(sandbox["sandboxID"].as_string());
  }
  void expect_whole(const Outcome& outcome) {
    ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
    EXPECT_EQ(project_.read("out/all.csv"), "n\n" + expected_);
    std::multiset<std::string> taken;
    for (const Json& event : Project::events(project_.session(), "shard_complete"))
      taken.insert(event["step_id"].as_string() + event["shard"].dump());
    EXPECT_EQ(taken.size(), 3u * kShards);
    EXPECT_EQ(std::set<std::string>(taken.begin(), taken.end()).size(), taken.size());
    expect_no_sandbox(server_);
  }

  ServerProcess server_;
  Project project_;
  std::string expected_;
};

TEST_F(FleetTrouble, AllSandboxesLostAtOnceAreReplaced) {
  pipeline("time.sleep(1)");
  auto running = project_.start(arguments("4"));
  ASSERT_TRUE(test::eventually([&] { return begun() >= 4 || !e2e::is_alive(running.pid()); }));
  kill_all();
  expect_whole(running.end());
  EXPECT_GE(Project::events(project_.session(), "sandbox_replaced").size(), 2u);
}

TEST_F(FleetTrouble, AShardThatLosesThreeSandboxesSaysWhatEndedThemAndTheOthersStay) {
  pipeline("time.sleep(600 if '${shard.stem}' == '5' else 0)", ", on_failure: continue");
  auto running = project_.start(arguments("4"));
  const auto is_over = [&] { return !e2e::is_alive(running.pid()); };
  ASSERT_TRUE(test::eventually([&] { return accepted() == kShards - 1 || is_over(); }));
  for (int round = 1; round <= 3; ++round) {
    const int64_t before = begun();
    kill_all();
    if (round == 3) break;
    ASSERT_TRUE(test::eventually([&] { return begun() > before || is_over(); })) << round;
  }
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err,
              HasSubstr("shard 5 (in/5.csv) was run 3 times, and each time its machine was lost: sandbox "));
  for (int i = 0; i < kShards; ++i)
    EXPECT_EQ(fs::exists(project_.dir() / "out" / (std::to_string(i) + ".csv")), i != 5) << i;
  EXPECT_FALSE(fs::exists(project_.dir() / "out/all.csv")) << "from an incomplete union";
  expect_no_sandbox(server_);
}

TEST_F(FleetTrouble, AShardThatHangsEndsByItsTimeout) {
  pipeline("time.sleep(600 if '${shard.stem}' == '5' else 0)", "", "    timeout: 8\n");
  const Outcome outcome = project_.osiris(arguments("3"));
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("shard 5 (in/5.csv): step work ran longer than its timeout of 8 s"));
  EXPECT_FALSE(fs::exists(project_.dir() / "out/all.csv"));
  expect_no_sandbox(server_);
}

// The sandbox is the same at the second attempt, so what the first one left there tells which one it is.
TEST_F(FleetTrouble, ARetryIsOfOneShardInsideItsSandbox) {
  pipeline(
      "once = os.path.expanduser('~') + '/tried-${shard.stem}'\n        if '${shard.stem}' == '5' and not "
      "os.path.exists(once):\n            open(once, 'w').close()\n            raise SystemExit('not this time')",
      "", "    retry: {max_attempts: 2, delay: 1}\n");
  expect_whole(project_.osiris(arguments("3")));
  const auto retries = Project::events(project_.session(), "step_retry");
  ASSERT_EQ(retries.size(), 1u);
  EXPECT_EQ(retries.front()["shard"], Json(5));
  EXPECT_EQ(retries.front()["attempt"], Json(2)) << "a failed attempt is marked";
  EXPECT_EQ(server_.count("DELETE /sandboxes/{id}"), 3);
}

// The rows of the shards are here: another sandbox gets them.
TEST_F(FleetTrouble, TheUnionsSandboxIsReplacedAndNoShardRunsAgain) {
  pipeline("pass", "", "", "time.sleep(2)");
  auto running = project_.start(arguments("3"));
  ASSERT_TRUE(test::eventually([&] { return accepted() == kShards || !e2e::is_alive(running.pid()); }));
  ASSERT_TRUE(test::eventually([&] { return has_union_begun() || !e2e::is_alive(running.pid()); }));
  const int64_t before = begun();
  kill_all();
  expect_whole(running.end());
  EXPECT_EQ(accepted(), size_t{kShards});
  EXPECT_EQ(begun(), before + 1) << "the union once more, and no shard";
}

TEST_F(FleetTrouble, AFileThatChangesBeforeItsShardIsReadFailsIt) {
  pipeline("time.sleep(0.5)", ", max_parallel: 2");
  auto running = project_.start(arguments("2"));
  ASSERT_TRUE(test::eventually([&] { return begun() >= 1 || !e2e::is_alive(running.pid()); }));
  project_.write("in/7.csv", "n\n77\n");
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("shard 7 (in/7.csv): in/7.csv is no longer the file that was listed"));
  EXPECT_FALSE(fs::exists(project_.dir() / "out/all.csv"));
  expect_no_sandbox(server_);
}

TEST_F(FleetTrouble, AFileThatVanishesBeforeItsShardIsReadFailsIt) {
  pipeline("time.sleep(0.5)", ", max_parallel: 2");
  auto running = project_.start(arguments("2"));
  ASSERT_TRUE(test::eventually([&] { return begun() >= 1 || !e2e::is_alive(running.pid()); }));
  fs::remove(project_.dir() / "in/7.csv");
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("shard 7 (in/7.csv): in/7.csv is no longer there"));
  EXPECT_FALSE(fs::exists(project_.dir() / "out/all.csv"));
  expect_no_sandbox(server_);
}

TEST_F(FleetTrouble, AShardThatRunsOutOfMemoryIsNamed) {
  project_.write("in/5.csv", "n\n200000000\n");
  project_.write(
      "pipeline.yaml",
      e2e::oml("memory", {"  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    foreach: "
                          "{files: 'in/*.csv'}\n    config: {path: \"${shard.value}\"}\n",
                          "  - id: much\n    component: duckdb.processor\n    mode: transform\n    per_shard: "
                          "true\n    config: {query: \"SELECT len(list(i)) AS n FROM range((SELECT max(n) FROM "
                          "df_read)) t(i)\"}\n",
                          "  - id: all\n    component: filesystem.csv_writer\n    mode: write\n    config: {path: "
                          "out/all.csv}\n"}));
  const Outcome outcome = project_.osiris(arguments("3", {"--memory-limit", "128MiB"}));
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("shard 5 (in/5.csv)"));
  EXPECT_THAT(outcome.err, HasSubstr("memory"));
  EXPECT_FALSE(fs::exists(project_.dir() / "out/all.csv"));
  expect_no_sandbox(server_);
}

// The service's clock: all leases are over at once.
TEST_F(FleetTrouble, AJumpOfTheServicesClockIsALossOfAllSandboxes) {
  pipeline("time.sleep(1)");
  auto running = project_.start(arguments("3", {"--e2b-lease", "60"}));
  ASSERT_TRUE(test::eventually([&] { return begun() >= 3 || !e2e::is_alive(running.pid()); }));
  server_.jump_clock(61'000);
  expect_whole(running.end());
}

// Rows of shards wait on this machine's disk until the union's steps have ended.
TEST_F(FleetTrouble, AFullDiskWhileRowsAreGatheredIsCalledOne) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may mount";
  project_.write(
      "pipeline.yaml",
      e2e::oml("full", {"  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    foreach: "
                        "{files: 'in/*.csv'}\n    config: {path: \"${shard.value}\"}\n",
                        "  - id: many\n    component: duckdb.processor\n    mode: transform\n    per_shard: "
                        "true\n    config: {query: \"SELECT md5((i + 1000000 * n)::VARCHAR) AS t FROM "
                        "df_read, range(150000) r(i)\"}\n",
                        "  - id: all\n    component: filesystem.csv_writer\n    mode: write\n    config: "
                        "{path: out/all.csv}\n"}));
  fs::create_directories(project_.dir() / "run_logs");
  SpawnOptions options = project_.spawn_options(arguments("3"));
  options.arguments.insert(
      options.arguments.begin(),
      {"/usr/bin/unshare", "--mount", "/bin/sh", "-c",
       "mount -t tmpfs -o size=8m none '" + (project_.dir() / "run_logs").string() + "' && exec \"$0\" \"$@\""});
  const auto result = run_command(options, 120'000, 1 << 20);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_TRUE(result->exit.value == 1 || result->exit.value == 3) << result->exit.value << result->standard_error;
  EXPECT_THAT(result->standard_error, AnyOf(HasSubstr("No space left"), HasSubstr("disk is full")));
  EXPECT_FALSE(fs::exists(project_.dir() / "out/all.csv"));
  expect_no_sandbox(server_);
}

TEST_F(FleetTrouble, ACapThatIsReachedInMidShardCollectsWhatIsComplete) {
  pipeline("time.sleep(600 if int('${shard.stem}') >= 4 else 0)");
  const Outcome outcome = project_.osiris(arguments("2", with_cap("3.90", "6", {"--e2b-heartbeat-ms", "200"})));
  EXPECT_EQ(outcome.exit, 124) << outcome.out << outcome.err;
  EXPECT_EQ(project_.status()["reason"].as_string(), "budget");
  EXPECT_THAT(outcome.err, HasSubstr("the run came to the end of --max-cost $3.90"));
  for (int i = 0; i < kShards; ++i)
    EXPECT_EQ(fs::exists(project_.dir() / "out" / (std::to_string(i) + ".csv")), i < 4) << i;
  EXPECT_FALSE(fs::exists(project_.dir() / "out/all.csv")) << "from an incomplete union";
  for (const Json& cost : Project::events(project_.session(), "resource_cost"))
    EXPECT_LE(cost["at_most"].as_double(), 3.90);
  expect_no_sandbox(server_);
}

// What shards wait for runs in the first sandbox; no other one may take its place in the budget.
TEST_F(FleetTrouble, WithinACapTheFirstSandboxComesFirst) {
  pipeline_with_first("pass");
  const std::vector<std::string> shape = {"--e2b-cpu", "2"};  // in a template, of which sandboxes are created
  ASSERT_EQ(project_.osiris(arguments("2", shape)).exit, 0);
  server_.clear_requests();
  const Outcome outcome = project_.osiris(arguments("4", with_cap_of_one(shape)));
  ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_EQ(project_.read("out/all.csv"), "n\n" + expected_);
  EXPECT_EQ(server_.count("POST /v2/sandboxes"), 1);
  expect_no_sandbox(server_);
}

TEST_F(FleetTrouble, AFirstSandboxThatTheCapDoesNotReplaceEndsTheRunAsADeadlineDoes) {
  pipeline_with_first("time.sleep(600)");
  auto running = project_.start(arguments("3", with_cap_of_one({"--json"})));
  ASSERT_TRUE(test::eventually([&] { return begun() >= 1 || !e2e::is_alive(running.pid()); }));
  kill_all();
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 124) << outcome.out << outcome.err;
  EXPECT_EQ(project_.status()["reason"].as_string(), "budget");
  EXPECT_THAT(outcome.json()["message"].as_string(), HasSubstr("leaves no room for another sandbox"));
  EXPECT_EQ(server_.count("POST /v2/sandboxes"), 1);
  expect_no_sandbox(server_);
}

// The other one waits for what the first one does before the shards. What a cap refuses is refused before the call
// (tests/unit/sdk/fleet_simulation_test.cc); here the service does it.
TEST_F(FleetTrouble, AFirstSandboxThatIsNotReplacedIsSucceededByAnIdleOne) {
  pipeline_with_first("time.sleep(2)");
  ASSERT_TRUE(server_
                  .set_faults(*parse_json(R"([{"route":"POST /v2/sandboxes","from":2,)"
                                          R"("action":{"type":"status","status":403}}])"))
                  .ok());
  auto running = project_.start(arguments("2"));
  ASSERT_TRUE(test::eventually([&] { return begun() == 1 || !e2e::is_alive(running.pid()); }));
  const Json requests = server_.requests_by_arrival();
  for (const Json& each : requests.items())
    if (each["route"].as_string() == "POST /process.Process/StreamInput")
      server_.kill_sandbox(each["sandbox"].as_string());
  const Outcome outcome = running.end();
  ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_EQ(project_.read("out/all.csv"), "n\n" + expected_);
  EXPECT_EQ(accepted(), size_t{kShards});
  EXPECT_EQ(server_.count("POST /sandboxes/{id}/fork"), 1);
  expect_no_sandbox(server_);
}

TEST_F(FleetTrouble, ACapThatIsReachedBeforeTheShardsCollectsWhatIsComplete) {
  pipeline_with_first("time.sleep(600)");
  const Outcome outcome = project_.osiris(arguments("2", with_cap("1.90", "6", {"--e2b-heartbeat-ms", "200"})));
  EXPECT_EQ(outcome.exit, 124) << outcome.out << outcome.err;
  EXPECT_EQ(project_.status()["reason"].as_string(), "budget");
  EXPECT_EQ(project_.read("out/names.csv"), "k\n1\n");
  EXPECT_FALSE(fs::exists(project_.dir() / "out/all.csv"));
  for (const Json& cost : Project::events(project_.session(), "resource_cost"))
    EXPECT_LE(cost["at_most"].as_double(), 1.90);
  expect_no_sandbox(server_);
}

TEST_F(FleetTrouble, AFailureBeforeTheShardsLeavesWhatIsComplete) {
  pipeline_with_first("raise SystemExit('not today')");
  for (const char* sandboxes : {"1", "3"}) {
    SCOPED_TRACE(sandboxes);
    fs::remove_all(project_.dir() / "out");
    const Outcome outcome = project_.osiris(arguments(sandboxes));
    EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("not today"));
    EXPECT_EQ(project_.read("out/names.csv"), "k\n1\n");
    EXPECT_FALSE(fs::exists(project_.dir() / "out/all.csv"));
    expect_no_sandbox(server_);
  }
}

TEST_F(FleetTrouble, AUnionsSandboxThatTheCapDoesNotReplaceLeavesWhatShardsWrote) {
  pipeline("pass", "", "", "time.sleep(600)");
  auto running = project_.start(arguments("2", with_cap_of_one({"--json"})));
  ASSERT_TRUE(test::eventually([&] { return has_union_begun() || !e2e::is_alive(running.pid()); }));
  kill_all();
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 124) << outcome.out << outcome.err;
  EXPECT_EQ(project_.status()["reason"].as_string(), "budget");
  std::set<std::string> outputs;
  const Json document = outcome.json();
  for (const Json& output : document["outputs"].items()) outputs.insert(output["path"].as_string());
  for (int i = 0; i < kShards; ++i) {
    const std::string file = "out/" + std::to_string(i) + ".csv";
    EXPECT_EQ(project_.read(file), "n\n" + std::to_string(i) + "\n");
    EXPECT_TRUE(outputs.count(file)) << file;
  }
  EXPECT_FALSE(fs::exists(project_.dir() / "out/all.csv"));
  expect_no_sandbox(server_);
}

}  // namespace
}  // namespace osiris::e2b_test
