// Shards that fail in several sandboxes where the others go on: one machine and many leave the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/e2b/sandboxed_project.h"

namespace osiris::e2b_test {
namespace {

using ::testing::HasSubstr;

// What a run leaves: its files, its steps with their rows, its outputs, and what it says of its shards.
struct Left {
  Outcome outcome;
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> steps;  // "failed, 3 read, – written: the error"
  std::set<std::string> outputs;
  std::string accepted, failed, message;
  std::map<std::string, int> starts;
};

class FleetFailures : public testing::Test {
 protected:
  FleetFailures() : server_(start_server()) {
    for (const char* name : {"a", "b", "c", "d", "e"})
      files_["in/" + std::string(name) + ".csv"] = "id\n" + std::to_string(name[0] - 'a') + "\n";
  }
  static std::string read(const std::string& more = "") {
    return "  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    foreach: {files: 'in/*.csv', "
           "on_failure: continue, max_parallel: 1}\n" +
           more + "    config: {path: \"${shard.value}\"}\n";
  }
  static std::string query(const std::string& id, const std::string& sql, const std::string& more) {
    return "  - id: " + id + "\n    component: duckdb.processor\n    mode: transform\n" + more +
           "    config: {query: \"" + sql + "\"}\n";
  }
  static std::string write(const std::string& id, const std::string& from, const std::string& path,
                           const std::string& more = "") {
    return "  - id: " + id + "\n    component: filesystem.csv_writer\n    mode: write\n    needs: [" + from + "]\n" +
           more + "    config: {path: \"" + path + "\", column_order: query}\n";
  }
  Left run(const std::vector<std::string>& steps, const std::string& adapter, const std::string& sandboxes) {
    Project project;
    use_server(project, server_);
    for (const auto& [name, content] : files_) project.write(name, content);
    project.write("pipeline.yaml", e2e::oml("many", steps));
    Left left;
    left.outcome = project.osiris(
        run_arguments(adapter, sandboxes.empty() ? std::vector<std::string>{"--json"}
                                                 : std::vector<std::string>{"--json", "--e2b-sandboxes", sandboxes}));
    left.files = files_below(project.dir() / "out");
    const Json document = left.outcome.json();
    left.message = document["message"].as_string();
    for (const Json& step : document["steps"].items())
      left.steps[step["step_id"].as_string()] =
          step["status"].as_string() + ", " + step["rows_read"].dump() + " read, " + step["rows_written"].dump() +
          " written, " + step["rows_out"].dump() + " out: " + step["error"].as_string() + step["cause"].as_string();
    for (const Json& output : document["outputs"].items()) left.outputs.insert(output["path"].as_string());
    if (const auto shards = parse_json(project.read(project.session() / "shards.json")); shards.ok()) {
      left.accepted = (*shards)["lists"].items().at(0)["accepted"].dump_pretty();
      left.failed = (*shards)["lists"].items().at(0)["failed"].dump_pretty();
    }
    // In many sandboxes all steps of a list start with it, also one that is skipped in the end.
    for (const Json& event : Project::events(project.session(), "step_start"))
      if (const std::string& id = event["step_id"].as_string(); !left.steps[id].starts_with("skipped"))
        ++left.starts[id];
    return left;
  }
  // Through `local`, one sandbox and three.
  Left run_everywhere(const std::vector<std::string>& steps) {
    const Left local = run(steps, "local", "");
    for (const char* sandboxes : {"1", "3"}) {
      SCOPED_TRACE(std::string(sandboxes) + " sandboxes");
      const Left left = run(steps, "e2b", sandboxes);
      EXPECT_EQ(left.outcome.exit, local.outcome.exit) << left.outcome.err << left.outcome.out;
      EXPECT_EQ(left.files, local.files);
      EXPECT_EQ(left.steps, local.steps);
      EXPECT_EQ(left.outputs, local.outputs);
      EXPECT_EQ(left.accepted, local.accepted);
      EXPECT_EQ(left.failed, local.failed);
      EXPECT_EQ(left.message, local.message);
      EXPECT_EQ(left.starts, local.starts);
      expect_no_sandbox(server_);
    }
    return local;
  }

  std::map<std::string, std::string> files_;
  ServerProcess server_;
};

const std::string kEachShard = "    per_shard: true\n";

TEST_F(FleetFailures, WhatArrivedStaysAndNothingComesOfTheUnion) {
  files_["in/b.csv"] = "id\n1,2\n";
  files_["in/d.csv"] = "id\n1,2\n";
  const Left left =
      run_everywhere({read(), query("twice", "SELECT 2 * id AS id FROM df_read", "    needs: [read]\n" + kEachShard),
                      write("each", "twice", "out/${shard.stem}.csv", kEachShard),
                      query("total", "SELECT sum(id) AS s FROM df_twice", "    needs: [twice]\n"),
                      write("all", "total", "out/all.csv"), query("apart", "SELECT 7 AS x", "    needs: []\n"),
                      write("keep", "apart", "out/apart.csv")});
  EXPECT_EQ(left.outcome.exit, 1);
  EXPECT_THAT(left.message, HasSubstr("2 of its 5 shards failed: shard 1 (in/b.csv): "));
  EXPECT_THAT(left.message, HasSubstr("; shard 3 (in/d.csv): "));
  EXPECT_EQ(left.files,
            (std::map<std::string, std::string>{
                {"a.csv", "id\n0\n"}, {"apart.csv", "x\n7\n"}, {"c.csv", "id\n4\n"}, {"e.csv", "id\n8\n"}}));
  EXPECT_THAT(left.steps.at("all"), HasSubstr("skipped"));
}

TEST_F(FleetFailures, AFailureOfALaterStepLeavesTheUnionBeforeIt) {
  const Left left = run_everywhere(
      {read(),
       query("divide", "SELECT CASE WHEN id = 2 THEN error('two is bad') ELSE id END AS id FROM df_read",
             "    needs: [read]\n" + kEachShard),
       write("each", "divide", "out/${shard.stem}.csv", kEachShard),
       query("count", "SELECT count(*) AS n FROM df_read", "    needs: [read]\n"), write("all", "count", "out/n.csv")});
  EXPECT_EQ(left.outcome.exit, 1);
  EXPECT_EQ(left.files.at("n.csv"), "n\n5\n") << "all shards of read are there";
  EXPECT_EQ(left.files.size(), 5u);
  EXPECT_THAT(left.message, HasSubstr("two is bad"));
}

TEST_F(FleetFailures, WhereAllFailNothingIsLeft) {
  for (auto& [name, content] : files_) content = "id\n1,2\n";
  const Left left = run_everywhere({read(), write("each", "read", "out/${shard.stem}.csv", kEachShard)});
  EXPECT_EQ(left.outcome.exit, 1);
  EXPECT_TRUE(left.files.empty());
  EXPECT_THAT(left.steps.at("each"), HasSubstr("skipped"));
}

}  // namespace
}  // namespace osiris::e2b_test
