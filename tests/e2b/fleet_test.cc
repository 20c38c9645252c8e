// One run on several sandboxes of the local E2B server: it writes what one sandbox writes, whatever becomes of some of
// them, and leaves none.
//
//   OSIRIS_FLEET_KILLS=N   runs whose sandboxes are killed (4; 200 of the attack's full size), OSIRIS_KILL_SEED=S the
//                          moments again
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <random>
#include <set>
#include <sstream>

#include "protocol/base/file.h"
#include "tests/attack/scale.h"
#include "tests/e2b/parity_table.h"
#include "tests/e2b/sandboxed_project.h"
#include "tests/support/eventually.h"

namespace osiris::e2b_test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

struct Seen {
  Outcome outcome;
  std::map<std::string, std::string> files;
  Json status;
  std::map<std::string, std::multiset<std::string>> shards;  // by step: "index rows"
  std::map<std::string, std::pair<int, int>> steps;          // started, completed
};

class Fleet : public testing::TestWithParam<ParityRow> {
 protected:
  static ServerProcess& server() {
    static ServerProcess process = start_server();
    return process;
  }
  static Seen look(const Project& project, Outcome outcome) {
    Seen seen;
    seen.outcome = std::move(outcome);
    seen.files = files_below(project.dir() / "out");
    const fs::path session = project.session();
    seen.status = project.status();
    for (const char* key : {"sandbox_id", "session_path"}) seen.status.erase(key);
    for (const Json& event : Project::events(session, "shard_complete"))
      seen.shards[event["step_id"].as_string()].insert(event["shard"].dump() + " " + event["rows"].dump());
    for (const Json& event : Project::events(session, "step_start")) ++seen.steps[event["step_id"].as_string()].first;
    for (const Json& event : Project::events(session, "step_complete"))
      ++seen.steps[event["step_id"].as_string()].second;
    return seen;
  }
  static Seen observe(const ParityRow& row, const std::string& sandboxes) {
    Project project;
    use_server(project, server());
    for (const auto& [name, content] : row.files) project.write(name, content);
    project.write("pipeline.yaml", row.pipeline);
    return look(project, project.osiris(run_arguments("e2b", {"--e2b-sandboxes", sandboxes})));
  }
};

TEST_P(Fleet, ManySandboxesWriteWhatOneWrites) {
  const Seen one = observe(GetParam(), "1"), many = observe(GetParam(), "3");
  EXPECT_EQ(one.outcome.exit, GetParam().exit) << one.outcome.err;
  EXPECT_EQ(many.outcome.exit, GetParam().exit) << many.outcome.out << many.outcome.err;
  expect_no_sandbox(server());
  if (GetParam().exit != 0) {
    EXPECT_THAT(many.outcome.err, HasSubstr("💡"));
    return;
  }
  EXPECT_EQ(many.files, one.files);
  EXPECT_EQ(many.status.dump_pretty(), one.status.dump_pretty());
  EXPECT_EQ(many.shards, one.shards);
  EXPECT_EQ(many.steps, one.steps);
}

INSTANTIATE_TEST_SUITE_P(Table, Fleet, testing::ValuesIn(shard_rows()), [](const auto& row) { return row.param.name; });

// Shards that wait, a union of them and a file for each.
class ManySandboxes : public testing::Test {
 protected:
  explicit ManySandboxes(const std::vector<std::string>& arguments = {}, int shards = 12)
      : server_(start_server(arguments)), shards_(shards) {
    use_server(project_, server_);
    project_.write("out/.keep", "");
    for (int i = 0; i < shards_; ++i) {
      project_.write("in/" + std::to_string(i) + ".csv",
                     "n\n" + std::to_string(i) + "\n" + std::to_string(100 + i) + "\n");
      expected_ +=
          std::to_string(i) + "," + std::to_string(i) + "\n" + std::to_string(100 + i) + "," + std::to_string(i) + "\n";
    }
    pipeline(200);
  }
  void pipeline(int sleep_ms, const std::string& more = "", const std::string& code = "") {
    project_.write(
        "pipeline.yaml",
        e2e::oml(
            "many",
            {"  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    foreach: {files: "
             "'in/*.csv'" +
                 more + "}\n    config: {path: \"${shard.value}\"}\n",
             "  - id: wait\n    component: python.processor\n    mode: transform\n    per_shard: true\n    config:\n"
             "      format: ndjson\n      code: |\n        import json, os, time\n        time.sleep(" +
                 std::to_string(sleep_ms / 1000.0) + ")\n        " + code +
                 "\n        rows = [json.loads(line) for line in open(os.environ['OSIRIS_INPUT'])]\n        "
                 "open(os.environ['OSIRIS_OUTPUT'], 'w').write(''.join(json.dumps({'n': row['n'], 's': "
                 "int('${shard.stem}')}) + '\\n' for row in rows))\n",
             "  - id: each\n    component: filesystem.csv_writer\n    mode: write\n    needs: [wait]\n    "
             "per_shard: true\n    config: {path: \"out/each-${shard.stem}.csv\", column_order: query}\n",
             "  - id: sort\n    component: duckdb.processor\n    mode: transform\n    needs: [wait]\n    config: "
             "{query: \"SELECT n, s FROM df_wait ORDER BY s, n\"}\n",
             "  - id: all\n    component: filesystem.csv_writer\n    mode: write\n    needs: [sort]\n    config: "
             "{path: out/all.csv, column_order: query}\n"}));
  }
  static std::vector<std::string> arguments(const std::string& sandboxes, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"--e2b-sandboxes", sandboxes});
    return run_arguments("e2b", more);
  }
  void expect_whole(const Outcome& outcome) {
    ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
    EXPECT_EQ(project_.read("out/all.csv"), "n,s\n" + expected_);
    for (int i = 0; i < shards_; ++i) {
      const std::string n = std::to_string(i), far = std::to_string(100 + i);
      EXPECT_EQ(project_.read("out/each-" + n + ".csv"), "n,s\n" + n + "," + n + "\n" + far + "," + n + "\n");
    }
    std::multiset<std::string> accepted;
    for (const Json& event : Project::events(project_.session(), "shard_complete"))
      accepted.insert(event["step_id"].as_string() + event["shard"].dump());
    EXPECT_EQ(accepted.size(), size_t{3} * shards_);
    EXPECT_EQ(std::set<std::string>(accepted.begin(), accepted.end()).size(), accepted.size());
    expect_no_sandbox(server_);
  }

  ServerProcess server_;
  const int shards_;
  Project project_;
  std::string expected_;
};

TEST_F(ManySandboxes, ShareTheShardsAndAreGone) {
  expect_whole(project_.osiris(arguments("4")));
  EXPECT_EQ(server_.count("POST /v2/sandboxes"), 1);
  EXPECT_EQ(server_.count("POST /sandboxes/{id}/fork"), 1);
  EXPECT_EQ(server_.count("POST /files"), 1) << "the worker travels once";
  EXPECT_EQ(server_.count("DELETE /sandboxes/{id}"), 4);
  std::set<std::string> workers;
  const Json requests = server_.requests();
  for (const Json& request : requests.items())
    if (request["route"].as_string() == "POST /process.Process/Start") workers.insert(request["sandbox"].as_string());
  EXPECT_EQ(workers.size(), 4u);
  const auto journal = project_.read(project_.session() / "adapter/e2b-journal.jsonl");
  size_t accepted = 0;
  for (size_t at = 0; (at = journal.find("\"shard_accepted\"", at)) != std::string::npos; ++at) ++accepted;
  EXPECT_EQ(accepted, static_cast<size_t>(shards_));
  EXPECT_FALSE(fs::exists(project_.session() / "adapter/shards")) << "rows between parts are left";
}

// Each says from when to when it ran; the sandboxes of the local server have one clock.
TEST_F(ManySandboxes, HoldTheListsLimitTogether) {
  project_.write(
      "pipeline.yaml",
      e2e::oml("limited",
               {"  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    foreach: {files: "
                "'in/*.csv', max_parallel: 2}\n    config: {path: \"${shard.value}\"}\n",
                "  - id: wait\n    component: python.processor\n    mode: transform\n    per_shard: true\n    config:\n"
                "      format: ndjson\n      code: |\n        import json, os, time\n        begin = time.time()\n"
                "        time.sleep(0.15)\n        open(os.environ['OSIRIS_OUTPUT'], 'w').write(json.dumps({'begin': "
                "int(begin * 1000), 'end': int(time.time() * 1000)}) + '\\n')\n",
                "  - id: all\n    component: filesystem.csv_writer\n    mode: write\n    needs: [wait]\n    config: "
                "{path: out/all.csv, column_order: query}\n"}));
  const Outcome outcome = project_.osiris(arguments("4"));
  ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  std::vector<std::pair<int64_t, int>> moments;  // one more from then on, or one less
  std::istringstream lines(project_.read("out/all.csv"));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    moments.emplace_back(std::stoll(line), 1);
    moments.emplace_back(std::stoll(line.substr(line.find(',') + 1)), -1);
  }
  ASSERT_EQ(moments.size(), size_t{2} * shards_);
  std::sort(moments.begin(), moments.end());  // an end comes before a begin of the same millisecond
  int running = 0;
  for (const auto& [at, change] : moments) {
    running += change;
    EXPECT_LE(running, 2);
  }
}

TEST_F(ManySandboxes, AFailedShardStopsTheRestAndIsNamed) {
  pipeline(50, "", "assert '${shard.stem}' != '7', 'seven is bad'");
  const Outcome outcome = project_.osiris(arguments("3"));
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("shard 9 (in/7.csv)")) << "0, 1, 10, 11, 2, ... in the order of bytes";
  EXPECT_THAT(outcome.err, HasSubstr("seven is bad"));
  EXPECT_FALSE(fs::exists(project_.dir() / "out/all.csv")) << "from an incomplete union";
  expect_no_sandbox(server_);
}

// Kills of sandboxes at any moment, as long as the run goes on. In full 40 shards on 8 sandboxes, of which 3 are
// killed.
class KilledSandboxes : public ManySandboxes {
 protected:
  KilledSandboxes() : ManySandboxes({}, is_full() ? 40 : 12) {}
  static bool is_full() { return attack::scale("OSIRIS_FLEET_FULL", 0, 1) != 0; }
};

TEST_F(KilledSandboxes, AreReplacedAndTheBytesAreRight) {
  const auto runs = static_cast<int>(attack::scale("OSIRIS_FLEET_KILLS", 4, 200));
  const uint64_t seed = attack::scale("OSIRIS_KILL_SEED", 4711, 4711);
  const int sandboxes = is_full() ? 8 : 4;
  std::mt19937_64 random(seed);
  int killed = 0, complete = 0;
  for (int run = 0; run < runs && !HasFailure(); ++run) {
    SCOPED_TRACE("OSIRIS_KILL_SEED=" + std::to_string(seed) + ", run " + std::to_string(run));
    server_.clear_requests();
    auto running = project_.start(arguments(std::to_string(sandboxes)));
    const int kills = is_full() ? 3 : 1 + run % 2;
    for (int kill = 0; kill < kills; ++kill) {
      const int64_t after =
          server_.count("POST /process.Process/StreamInput") + static_cast<int64_t>(random() % (shards_ / 2));
      ASSERT_TRUE(test::eventually([&] {
        return server_.count("POST /process.Process/StreamInput") >= after || !e2e::is_alive(running.pid());
      }));
      const Json alive = server_.sandboxes();
      if (alive.size() < 2) break;
      const std::string victim = alive.items().at(random() % alive.size())["sandboxID"].as_string();
      server_.kill_sandbox(victim);
      ++killed;
    }
    const Outcome outcome = running.end();
    expect_whole(outcome);
    complete += outcome.exit == 0;
  }
  std::printf("attack: sandboxes of shards: %d killed in %d runs of %d shards on %d; runs without the right bytes %d\n",
              killed, runs, shards_, sandboxes, runs - complete);
  EXPECT_GT(killed, 0);
}

// What a worker says that only took their rows is of no time.
TEST_F(ManySandboxes, AStepLastsAsLongAsItsShardsDo) {
  const Outcome outcome = project_.osiris(arguments("3", {"--json"}));
  ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  constexpr double kShardMs = 200;  // each of "wait" sleeps
  std::vector<double> shown, told, counted;
  const Json document = outcome.json();
  for (const Json& step : document["steps"].items())
    if (step["step_id"].as_string() == "wait") shown.push_back(step["duration_ms"].as_double());
  const fs::path session = project_.session();
  for (const Json& event : Project::events(session, "step_complete"))
    if (event["step_id"].as_string() == "wait") {
      told.push_back(event["duration_ms"].as_double());
      EXPECT_GE(event["duration"].as_double(), kShardMs / 1000);
    }
  for (const Json& metric : Project::lines(session / "metrics.jsonl"))
    if (metric["metric"].as_string() == "step_duration_ms" && metric["step_id"].as_string() == "wait")
      counted.push_back(metric["value"].as_double());
  EXPECT_THAT(shown, testing::ElementsAre(testing::Ge(kShardMs))) << outcome.out;
  EXPECT_THAT(told, testing::ElementsAre(testing::Ge(kShardMs)));
  EXPECT_THAT(counted, testing::ElementsAre(testing::Ge(kShardMs)));
}

class FewSandboxes : public ManySandboxes {
 protected:
  FewSandboxes() : ManySandboxes({"--max-sandboxes", "2"}) {}
};

TEST_F(FewSandboxes, ARunGoesOnWithThoseThatItGetsAndSaysSo) {
  const Outcome outcome = project_.osiris(arguments("4"));
  expect_whole(outcome);
  EXPECT_THAT(outcome.out + outcome.err, HasSubstr("of the 4 asked for were there in time"));
}

TEST_F(ManySandboxes, ACancelledRunLeavesNone) {
  pipeline(5'000);
  auto running = project_.start(arguments("3"));
  ASSERT_TRUE(test::eventually([&] { return server_.count("POST /process.Process/StreamInput") >= 2; }));
  running.kill(SIGINT);
  EXPECT_EQ(running.end().exit, 130);
  expect_no_sandbox(server_);
}

// What all of them may cost is counted: by these prices and terms each may come to 76 s + its lease + its reserve.
TEST_F(ManySandboxes, ACapIsForAllOfThem) {
  const std::vector<std::string> prices = {"--e2b-price-cpu",       "0.01", "--e2b-price-mem",    "0",
                                           "--e2b-lease",           "6",    "--e2b-cost-reserve", "4",
                                           "--e2b-connect-timeout", "1"};
  auto capped = prices;
  capped.insert(capped.end(), {"--max-cost", "3.60"});  // two of them, not three
  const Outcome outcome = project_.osiris(arguments("4", capped));
  expect_whole(outcome);
  EXPECT_LE(server_.count("POST /v2/sandboxes"), 2);
  const auto costs = Project::events(project_.session(), "resource_cost");
  ASSERT_FALSE(costs.empty());
  for (const Json& cost : costs) EXPECT_LE(cost["at_most"].as_double(), 3.60);
}

TEST_F(ManySandboxes, WhatShardsReadWholeIsMadeOnce) {
  project_.write(
      "pipeline.yaml",
      e2e::oml("joined",
               {"  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    foreach: {files: "
                "'in/*.csv'}\n    config: {path: \"${shard.value}\"}\n",
                "  - id: names\n    component: duckdb.processor\n    mode: transform\n    config: {query: "
                "\"SELECT i AS n, 'n' || i AS name, i::HUGEINT AS h FROM range(12) t(i)\"}\n",
                "  - id: joined\n    component: duckdb.processor\n    mode: transform\n    needs: [read, "
                "names]\n    per_shard: true\n    config: {query: \"SELECT name, typeof(h) AS t, sum(n) AS n "
                "FROM df_read JOIN df_names USING (n) GROUP BY ALL\"}\n",
                "  - id: all\n    component: filesystem.csv_writer\n    mode: write\n    needs: [joined]\n    "
                "config: {path: out/all.csv, column_order: query}\n"}));
  const Outcome one = project_.osiris(arguments("1"));
  ASSERT_EQ(one.exit, 0) << one.err;
  const std::string whole = project_.read("out/all.csv");
  const Outcome many = project_.osiris(arguments("3"));
  ASSERT_EQ(many.exit, 0) << many.out << many.err;
  EXPECT_EQ(project_.read("out/all.csv"), whole);
  EXPECT_THAT(whole, HasSubstr("n3,HUGEINT,3"));
  std::multiset<std::string> starts;
  for (const Json& event : Project::events(project_.session(), "step_start"))
    starts.insert(event["step_id"].as_string());
  EXPECT_EQ(starts, (std::multiset<std::string>{"all", "joined", "names", "read"}));
  expect_no_sandbox(server_);
}

}  // namespace
}  // namespace osiris::e2b_test
