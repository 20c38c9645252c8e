// How a run comes to its sandboxes, what it calls them for, and what is left when it dies.
//
//   OSIRIS_FLEET_FULL=1          the row of calls in full: 64 shards in 16 sandboxes
//   OSIRIS_FLEET_HOST_KILLS=N    runs whose host is killed (6; 60 of the attack's full size), OSIRIS_KILL_SEED=S the
//                                moments again
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>
#include <set>

#include "tests/attack/scale.h"
#include "tests/e2b/sandboxed_project.h"
#include "tests/support/eventually.h"

namespace osiris::e2b_test {
namespace {

using ::testing::HasSubstr;

constexpr const char* kFork = "POST /sandboxes/{id}/fork";
constexpr const char* kCreate = "POST /v2/sandboxes";
constexpr const char* kInput = "POST /process.Process/StreamInput";

class FleetMachines : public testing::Test {
 protected:
  explicit FleetMachines(const std::vector<std::string>& arguments = {}) : server_(start_server(arguments)) {
    use_server(project_, server_);
    project_.write("out/.keep", "");
    pipeline(12, 100);
  }
  void pipeline(int shards, int sleep_ms) {
    shards_ = shards;
    project_.write(
        "pipeline.yaml",
        e2e::oml("many",
                 {"  - id: read\n    component: mock\n    mode: read\n    foreach: {range: {from: 0, to: " +
                      std::to_string(shards) + "}}\n    config: {rows: 1, sleep_ms: " + std::to_string(sleep_ms) +
                      ", text: \"${shard.value}\"}\n",
                  "  - id: twice\n    component: duckdb.processor\n    mode: transform\n    needs: [read]\n    "
                  "per_shard: true\n    config: {query: \"SELECT $shard AS s FROM df_read\"}\n",
                  "  - id: sum\n    component: duckdb.processor\n    mode: transform\n    needs: [twice]\n    config: "
                  "{query: \"SELECT count(*) AS n, sum(s) AS s FROM df_twice\"}\n",
                  "  - id: all\n    component: filesystem.csv_writer\n    mode: write\n    needs: [sum]\n    config: "
                  "{path: out/all.csv, column_order: query}\n"}));
  }
  static std::vector<std::string> arguments(int sandboxes, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"--e2b-sandboxes", std::to_string(sandboxes)});
    return run_arguments("e2b", more);
  }
  Outcome run(int sandboxes = 4, const std::vector<std::string>& more = {}) {
    return project_.osiris(arguments(sandboxes, more));
  }
  void expect_whole(const Outcome& outcome) {
    ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
    EXPECT_EQ(project_.read("out/all.csv"),
              "n,s\n" + std::to_string(shards_) + "," + std::to_string(shards_ * (shards_ - 1) / 2) + "\n");
    expect_no_sandbox(server_);
  }
  void set_fault(const std::string& route, const std::string& action, int nth = 1) {
    ASSERT_TRUE(server_
                    .set_faults(*parse_json(R"([{"route":")" + route + R"(","nth":)" + std::to_string(nth) +
                                            R"(,"action":)" + action + "}]"))
                    .ok());
  }
  // In their order of arrival.
  std::vector<Json> calls(const std::string& route) const {
    std::vector<Json> found;
    const Json all = server_.requests_by_arrival();
    for (const Json& each : all.items())
      if (each["route"].as_string() == route) found.push_back(each);
    return found;
  }

  ServerProcess server_;
  Project project_;
  int shards_ = 0;
};

// 8 for the run, 6 for each sandbox, and one for each shard after a sandbox's first; renewals come on top.
TEST_F(FleetMachines, CallsAreFew) {
  const bool is_full = attack::scale("OSIRIS_FLEET_FULL", 0, 1) != 0;
  const int shards = is_full ? 64 : 12, sandboxes = is_full ? 16 : 4;
  pipeline(shards, is_full ? 500 : 100);
  expect_whole(run(sandboxes));
  const Json requests = server_.requests();
  int64_t count = static_cast<int64_t>(requests.size()) - server_.count("POST /sandboxes/{id}/timeout");
  const int64_t allowed = 8 + 6 * sandboxes + (shards - sandboxes);
  std::printf("attack: %d shards in %d sandboxes: %lld calls, %lld allowed\n", shards, sandboxes,
              static_cast<long long>(count), static_cast<long long>(allowed));
  EXPECT_LE(count, allowed) << requests.dump();
  EXPECT_LE(server_.count(kInput), shards + 1) << "one for each shard, and one for the union";
}

TEST_F(FleetMachines, AllButTheFirstAreMadeOfItBeforeAnythingOfTheRunIsThere) {
  expect_whole(run());
  EXPECT_EQ(server_.count(kCreate), 1);
  ASSERT_EQ(calls(kFork).size(), 1u);
  const int64_t forked = calls(kFork).front()["arrived"].as_int();
  for (const Json& input : calls(kInput)) EXPECT_GT(input["arrived"].as_int(), forked);
  int64_t unpacked = 0, fork_ended = 0;  // by the order in which they ended
  const Json ended = server_.requests();
  for (const Json& each : ended.items()) {
    if (each["route"].as_string() == "POST /process.Process/Start" && unpacked == 0) unpacked = each["n"].as_int();
    if (each["route"].as_string() == kFork) fork_ended = each["n"].as_int();
  }
  EXPECT_GT(unpacked, 0);
  EXPECT_LT(unpacked, fork_ended) << "a process of ours ran in the first one while it was forked";
}

TEST_F(FleetMachines, EachIsLookedAtBeforeItIsGivenAnything) {
  expect_whole(run());
  std::map<std::string, int64_t> looked;
  for (const Json& look : calls("GET /sandboxes/{id}")) {
    const std::string target = look["target"].as_string();
    looked.try_emplace(target.substr(target.rfind('/') + 1), look["arrived"].as_int());
  }
  std::set<std::string> given;
  for (const Json& input : calls(kInput)) {
    const std::string id = input["sandbox"].as_string();
    given.insert(id);
    ASSERT_TRUE(looked.count(id)) << id;
    EXPECT_LT(looked[id], input["arrived"].as_int()) << id;
  }
  EXPECT_EQ(given.size(), 4u);
}

TEST_F(FleetMachines, EachShardAfterTheFirstIsThereBeforeItsSandboxIsIdle) {
  pipeline(8, 300);
  expect_whole(run(2));
  // The second of each sandbox came while the first one slept.
  std::map<std::string, std::vector<Json>> inputs;
  for (const Json& input : calls(kInput)) inputs[input["sandbox"].as_string()].push_back(input);
  ASSERT_EQ(inputs.size(), 2u);
  std::set<std::string> shown;
  for (const Json& event : Project::events(project_.session(), "shard_complete")) shown.insert(event["shard"].dump());
  EXPECT_EQ(shown.size(), 8u);
  for (const auto& [id, all] : inputs) EXPECT_GE(all.size(), 4u) << id;
}

// Rows of a shard that are large go up while others come down, and not once more with the union.
TEST_F(FleetMachines, RowsOfShardsAreAtTheUnionBeforeItBegins) {
  project_.write("pipeline.yaml",
                 e2e::oml("large", {"  - id: read\n    component: mock\n    mode: read\n    foreach: {range: {from: 0, "
                                    "to: 6}}\n    config: {rows: 1, text: \"${shard.value}\"}\n",
                                    "  - id: make\n    component: duckdb.processor\n    mode: transform\n    needs: "
                                    "[read]\n    per_shard: true\n    config: {query: \"SELECT hash(i + $shard * "
                                    "100000) AS h, $shard AS s FROM range(60000) t(i)\"}\n",
                                    "  - id: sum\n    component: duckdb.processor\n    mode: transform\n    needs: "
                                    "[make]\n    config: {query: \"SELECT count(*) AS n, count(DISTINCT h) AS d, "
                                    "sum(s) AS s FROM df_make\"}\n",
                                    "  - id: all\n    component: filesystem.csv_writer\n    mode: write\n    needs: "
                                    "[sum]\n    config: {path: out/all.csv, column_order: query}\n"}));
  const Outcome outcome = run(3);
  ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_EQ(project_.read("out/all.csv"), "n,d,s\n360000,360000,900000\n");
  const auto packages = Project::events(project_.session(), "package_uploaded");
  ASSERT_EQ(packages.size(), 1u) << "the union's";
  EXPECT_LT(packages.front()["bytes"].as_int(), 100'000);
  int64_t rows = 0;
  for (const Json& upload : calls("POST /files"))
    if (upload["request_bytes"].as_int() > 400'000) ++rows;
  EXPECT_GE(rows, 2) << "the worker, and the shards' rows in one call or more";
  expect_no_sandbox(server_);
}

struct NoForks {
  const char* name;
  const char* action;
};
class WithoutForks : public FleetMachines, public testing::WithParamInterface<NoForks> {};

TEST_P(WithoutForks, SandboxesAreCreatedAndThatIsSaid) {
  set_fault(kFork, GetParam().action);
  const Outcome outcome = run();
  expect_whole(outcome);
  EXPECT_EQ(server_.count(kCreate), 4);
  EXPECT_EQ(server_.count(kFork), 1);
  EXPECT_THAT(project_.read(project_.session() / "osiris.log") + outcome.err, HasSubstr("the others are created"));
}

INSTANTIATE_TEST_SUITE_P(Table, WithoutForks,
                         testing::Values(NoForks{"NoSuchRoute",
                                                 R"({"type":"status","status":404,"text":"404 page not found"})"},
                                         NoForks{"NotAllowed", R"({"type":"status","status":405})"},
                                         NoForks{"ItsOwnTrouble", R"({"type":"status","status":500})"},
                                         NoForks{"NotImplemented", R"({"type":"status","status":501})"},
                                         NoForks{"Refused", R"({"type":"status","status":403})"}),
                         [](const auto& row) { return row.param.name; });

TEST_F(FleetMachines, ForksWhoseAnswerWasLostAreFoundAndUsed) {
  set_fault(kFork, R"({"type":"reset","when":"before"})");
  expect_whole(run());
  EXPECT_EQ(server_.count(kCreate), 1) << "none was created in their place";
  EXPECT_EQ(server_.count("POST /v2/sandboxes/{id}/connect"), 3);
  const auto journal = project_.read(project_.session() / "adapter/e2b-journal.jsonl");
  EXPECT_LT(journal.find("\"cloning\""), journal.find("\"made_of\""));
}

TEST_F(FleetMachines, ACreateWhoseAnswerWasLostIsMadeAgain) {
  set_fault(kCreate, R"({"type":"reset","when":"before"})");
  expect_whole(run());
  EXPECT_EQ(server_.stats()["created"].as_int(), 4);
}

TEST_F(FleetMachines, AStreamThatBreaksIsOpenedAgainAndNoShardIsLost) {
  set_fault("process.Process/Start", R"({"type":"reset","when":"middle","after_events":6})", 3);
  expect_whole(run());
  EXPECT_GE(server_.count("POST /process.Process/Connect"), 1);
  EXPECT_EQ(server_.stats()["created"].as_int(), 4) << "none was replaced";
}

class FewerSandboxes : public FleetMachines {
 protected:
  FewerSandboxes() : FleetMachines({"--max-sandboxes", "3"}) {}
};

TEST_F(FewerSandboxes, AForkThatFailsInPartIsGoneOnWith) {
  const Outcome outcome = run();
  expect_whole(outcome);
  EXPECT_EQ(server_.count(kFork), 1) << "it is not asked again";
}

// Inputs and results that are too large for the stream go as files of their own.
TEST_F(FleetMachines, LargeShardsTravelAsFiles) {
  std::string rows = "n,t\n";
  std::mt19937_64 random(1);  // what no compression makes small
  for (int i = 0; i < 40'000; ++i) rows += std::to_string(i) + "," + std::to_string(random()) + "x\n";
  for (const char* name : {"a", "b", "c", "d", "e"}) project_.write("in/" + std::string(name) + ".csv", rows);
  project_.write(
      "pipeline.yaml",
      e2e::oml("large", {"  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    foreach: "
                         "{files: 'in/*.csv'}\n    config: {path: \"${shard.value}\"}\n",
                         "  - id: sum\n    component: duckdb.processor\n    mode: transform\n    needs: "
                         "[read]\n    config: {query: \"SELECT count(DISTINCT t) AS n, sum(n) AS s FROM df_read\"}\n",
                         "  - id: all\n    component: filesystem.csv_writer\n    mode: write\n    needs: "
                         "[sum]\n    config: {path: out/all.csv, column_order: query}\n"}));
  const Outcome outcome = run(2);
  ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_EQ(project_.read("out/all.csv"), "n,s\n40000,3999900000\n");
  EXPECT_GE(server_.count("POST /files"), 6) << "the worker, and five inputs";
  EXPECT_GE(server_.count("GET /files"), 5);
  expect_no_sandbox(server_);
}

// kill -9 of the host at random moments: what it left is found, or ends with its lease, and the cap held all the time.
TEST_F(FleetMachines, AKilledHostLeavesNothingBehind) {
  constexpr int kLease_s = 40;
  const auto runs = static_cast<int>(attack::scale("OSIRIS_FLEET_HOST_KILLS", 6, 60));
  const uint64_t seed = attack::scale("OSIRIS_KILL_SEED", 1313, 1313);
  std::mt19937_64 random(seed);
  int killed = 0;
  size_t most = 0;
  for (int i = 0; i < runs; ++i) {
    SCOPED_TRACE("OSIRIS_KILL_SEED=" + std::to_string(seed) + ", run " + std::to_string(i));
    server_.clear_requests();
    auto running = project_.start(arguments(4, {"--e2b-lease", std::to_string(kLease_s), "--e2b-price-cpu", "0.01",
                                                "--e2b-price-mem", "0", "--max-cost", "100"}));
    const int64_t after = static_cast<int64_t>(random() % 24);
    ASSERT_TRUE(test::eventually([&] {
      return static_cast<int64_t>(server_.requests_by_arrival().size()) >= after || !e2e::is_alive(running.pid());
    }));
    running.kill(SIGKILL);
    killed += running.end().exit == 128 + SIGKILL;
    EXPECT_TRUE(test::eventually([&] {  // a create or a fork that was under way comes to its end
      const Json all = server_.requests_by_arrival();
      for (const Json& each : all.items())
        if (each["open"].as_bool() && (each["route"].as_string() == kCreate || each["route"].as_string() == kFork))
          return false;
      return true;
    }));
    most = std::max(most, server_.sandboxes().size());
    for (const auto& session : project_.sessions())
      for (const Json& cost : Project::events(session, "resource_cost")) EXPECT_LE(cost["at_most"].as_double(), 100.0);
    if (i % 2 == 0) {
      const Outcome reaped = project_.osiris({"resources", "reap", "--adapter", "e2b"});
      EXPECT_EQ(reaped.exit, 0) << reaped.err;
    } else {
      server_.jump_clock((kLease_s + 1) * 1000);
    }
    EXPECT_TRUE(test::eventually([&] { return server_.sandboxes().size() == 0; })) << server_.sandboxes().dump();
  }
  std::printf("attack: hosts of many sandboxes: %d of %d killed, with up to %zu sandboxes; left 0\n", killed, runs,
              most);
  EXPECT_GT(killed, runs / 2);
  EXPECT_GT(most, 1u);
}

}  // namespace
}  // namespace osiris::e2b_test
