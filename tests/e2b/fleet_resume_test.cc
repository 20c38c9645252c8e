// Rows of shards that ran in several sandboxes are kept, and a later run takes them, wherever it runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "tests/e2b/sandboxed_project.h"

namespace osiris::e2b_test {
namespace {

using ::testing::HasSubstr;

class FleetResume : public testing::Test {
 protected:
  FleetResume() : server_(start_server()) {
    use_server(project_, server_);
    for (const char* name : {"a", "b", "c", "d"})
      project_.write("in/" + std::string(name) + ".csv", "id\n" + std::to_string(name[0] - 'a') + "\n7\n");
    pipeline("SELECT CAST('x' AS INTEGER) AS n");
  }
  // Two steps with shards, of which one is read by the other only, and a query over their union, or over that of
  // `more`.
  void pipeline(const std::string& total, const std::string& more = "") {
    project_.write(
        "pipeline.yaml",
        e2e::oml("kept",
                 {"  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    foreach: {files: "
                  "'in/*.csv'}\n    config: {path: \"${shard.value}\"}\n",
                  "  - id: twice\n    component: duckdb.processor\n    mode: transform\n    per_shard: true\n    "
                  "config: {query: \"SELECT 2 * id::HUGEINT AS id, $shard AS f FROM df_read\"}\n" +
                      more,
                  "  - id: total\n    component: duckdb.processor\n    mode: transform\n    config: {query: \"" +
                      total + "\"}\n",
                  "  - id: each\n    component: filesystem.csv_writer\n    mode: write\n    needs: [twice]\n    "
                  "per_shard: true\n    config: {path: \"out/${shard.stem}.csv\", column_order: query}\n",
                  "  - id: all\n    component: filesystem.csv_writer\n    mode: write\n    needs: [total]\n    config: "
                  "{path: out/all.csv, column_order: query}\n"}));
  }
  Outcome run(const std::string& adapter, std::vector<std::string> more) {
    if (adapter == "e2b") more.insert(more.begin(), {"--e2b-sandboxes", "3"});
    return project_.osiris(run_arguments(adapter, more));
  }
  std::map<std::string, int> count(const char* event) const {
    std::map<std::string, int> counts;
    for (const Json& each : Project::events(project_.session(), event)) ++counts[each["step_id"].as_string()];
    return counts;
  }
  void expect_resumed(const std::string& adapter) {
    SCOPED_TRACE(adapter);
    const Outcome failed = run("e2b", {"--keep-outputs"});
    ASSERT_EQ(failed.exit, 1) << failed.out << failed.err;
    EXPECT_EQ(count("output_kept"), (std::map<std::string, int>{{"twice", 1}}));
    pipeline("SELECT sum(id) AS n, max(typeof(id)) AS t, count(DISTINCT f) AS f FROM df_twice");
    const Outcome resumed = run(adapter, {"--resume"});
    ASSERT_EQ(resumed.exit, 0) << resumed.out << resumed.err;
    EXPECT_EQ(project_.read("out/all.csv"), "n,t,f\n68,HUGEINT,4\n");
    EXPECT_EQ(count("step_reused").at("twice"), 1);
    EXPECT_EQ(count("shard_complete").count("twice"), 0u) << "no shard ran again";
    EXPECT_EQ(project_.read("out/c.csv"), "id,f\n4,in/c.csv\n14,in/c.csv\n");
    expect_no_sandbox(server_);
  }

  ServerProcess server_;
  Project project_;
};

TEST_F(FleetResume, GoesOnInSandboxes) { expect_resumed("e2b"); }
TEST_F(FleetResume, GoesOnOnThisMachine) { expect_resumed("local"); }

// A step that is new gets the kept rows shard by shard, in as many sandboxes as it would without them.
TEST_F(FleetResume, StepsThatReadKeptRowsPerShardAreSpread) {
  const Outcome failed = run("e2b", {"--keep-outputs"});
  ASSERT_EQ(failed.exit, 1) << failed.out << failed.err;
  pipeline(
      "SELECT string_agg(f || n || ':' || s, ' ' ORDER BY f) AS t, min(typeof(s)) AS y FROM df_think",
      "  - id: think\n    component: python.processor\n    mode: transform\n    per_shard: true\n    config:\n      "
      "format: ndjson\n      code: |\n        import json, os, time\n        time.sleep(0.5)\n        rows = "
      "[json.loads(line) for line in open(os.environ['OSIRIS_INPUT'])]\n        "
      "open(os.environ['OSIRIS_OUTPUT'], 'w').write(json.dumps({'f': '${shard.stem}', 'n': len(rows), 's': "
      "sum(int(row['id']) for row in rows)}) + '\\n')\n");
  server_.clear_requests();
  const Outcome resumed = run("e2b", {"--resume"});
  ASSERT_EQ(resumed.exit, 0) << resumed.out << resumed.err;
  EXPECT_EQ(project_.read("out/all.csv"), "t,y\na2:14 b2:16 c2:18 d2:20,BIGINT\n");
  EXPECT_EQ(count("step_reused").at("twice"), 1);
  EXPECT_EQ(count("shard_complete"), (std::map<std::string, int>{{"think", 4}}));
  EXPECT_EQ(count("step_complete").at("think"), 1);
  std::set<std::string> machines;
  size_t accepted = 0;
  std::istringstream journal(project_.read(project_.session() / "adapter/e2b-journal.jsonl"));
  for (std::string line; std::getline(journal, line);) {
    const auto entry = parse_json(line);
    if (!entry || (*entry)["action"].as_string() != "shard_accepted") continue;
    machines.insert((*entry)["id"].as_string());
    ++accepted;
  }
  EXPECT_EQ(accepted, 4u);
  EXPECT_GE(machines.size(), 2u);
  EXPECT_EQ(server_.count("POST /sandboxes/{id}/fork"), 1);
  for (const auto& [name, content] : files_below(project_.session() / "artifacts"))
    EXPECT_THAT(name, testing::Not(HasSubstr("kept-"))) << "rows between parts are left";
  expect_no_sandbox(server_);
}

// A shard's file that changed makes all shards run again: rows are kept by the step.
TEST_F(FleetResume, WhatTheRowsWereMadeOfIsLookedAt) {
  ASSERT_EQ(run("e2b", {"--keep-outputs"}).exit, 1);
  project_.write("in/b.csv", "id\n1\n8\n");
  pipeline("SELECT sum(id) AS n FROM df_twice");
  const Outcome resumed = run("e2b", {"--resume"});
  ASSERT_EQ(resumed.exit, 0) << resumed.out << resumed.err;
  EXPECT_EQ(project_.read("out/all.csv"), "n\n70\n");
  EXPECT_EQ(count("shard_complete")["read"], 4);
}

}  // namespace
}  // namespace osiris::e2b_test
