// Shards from the pipeline file to the session: what `foreach` changes (nothing) and what it refuses.
#include <gmock/gmock.h>

#include <fstream>

#include "protocol/base/file.h"
#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

using testing::HasSubstr;

class ShardedRuns : public testing::Test {
 protected:
  static std::string read(const std::string& foreach, const std::string& path, const std::string& more = "") {
    return "  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n" +
           (foreach.empty() ? "" : "    foreach: " + foreach + "\n") + "    config: {path: \"" + path + "\"" + more +
           "}\n";
  }
  static std::string query(const std::string& sql, const std::string& more = "") {
    return "  - id: query\n    component: duckdb.processor\n    mode: transform\n" + more + "    config: {query: \"" +
           sql + "\"}\n";
  }
  static std::string save(const std::string& path, const std::string& more = "") {
    return "  - id: save\n    component: filesystem.csv_writer\n    mode: write\n" + more + "    config: {path: \"" +
           path + "\", column_order: query}\n";
  }
  Outcome run(const std::vector<std::string>& steps, std::vector<std::string> more = {}) {
    project_.write("p.yaml", oml("p", steps));
    std::vector<std::string> arguments = {"run", "p.yaml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return project_.osiris(arguments);
  }
  void expect_refused(const std::vector<std::string>& steps, int exit, const std::string& words) {
    const auto before = project_.sessions().size();
    const Outcome outcome = run(steps);
    EXPECT_EQ(outcome.exit, exit) << outcome.out << outcome.err;
    EXPECT_THAT(outcome.err + outcome.out, HasSubstr(words));
    EXPECT_FALSE(std::filesystem::exists(project_.dir() / "out")) << words;
    if (exit == 2) {
      EXPECT_LE(project_.sessions().size(), before + 1) << words;
    }
  }

  Project project_;
};

TEST_F(ShardedRuns, ThePageRuns) {
  const std::string page = project_.read(source_dir() / "docs/shards.md");
  const std::string begin = "```yaml\n";
  const size_t at = page.find(begin) + begin.size();
  project_.write("p.yaml", page.substr(at, page.find("```\n", at) - at));
  project_.write("in/calls-1.csv", "caller,duration\nann,10\nbob,0\n");
  project_.write("in/calls-2.csv", "caller,duration\ncy,5\nann,7\n");
  const Outcome outcome = project_.osiris({"run", "p.yaml"});
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(project_.read("out/calls-1.csv"), "caller,duration,source\nann,10,in/calls-1.csv\n");
  EXPECT_EQ(project_.read("out/calls-2.csv"), "caller,duration,source\ncy,5,in/calls-2.csv\nann,7,in/calls-2.csv\n");
  EXPECT_EQ(project_.read("out/total.csv"), "source,duration\nin/calls-1.csv,10\nin/calls-2.csv,12\n");

  const auto session = project_.session();
  const auto shards = parse_json(project_.read(session / "shards.json"));
  ASSERT_TRUE(shards.ok());
  const Json& list = (*shards)["lists"].items().at(0);
  EXPECT_EQ(list["steps"], *parse_json(R"(["calls","clean","days"])"));
  EXPECT_EQ(list["shards"].items().at(1)["value"], Json("in/calls-2.csv"));
  EXPECT_EQ(list["shards"].items().at(1)["size_bytes"], Json(27));
  std::map<std::string, int> starts, ends, accepted;
  for (const Json& event : Project::events(session, "step_start")) ++starts[event["step_id"].as_string()];
  for (const Json& event : Project::events(session, "step_complete")) ++ends[event["step_id"].as_string()];
  for (const Json& event : Project::events(session, "shard_complete")) ++accepted[event["step_id"].as_string()];
  EXPECT_EQ(starts, (std::map<std::string, int>{{"calls", 1}, {"clean", 1}, {"days", 1}, {"save", 1}, {"total", 1}}));
  EXPECT_EQ(ends, starts);
  EXPECT_EQ(accepted, (std::map<std::string, int>{{"calls", 2}, {"clean", 2}, {"days", 2}}));
}

// The same rows, in one file and in several: the bytes that the writer makes are the same.
TEST_F(ShardedRuns, ForeachChangesNoResult) {
  const std::vector<std::vector<std::string>> contents = {
      {"1,007,2025-01-01 10:00:00\n", "2,x,2025-01-02 10:00:00\n"},
      {"1,1.5,2025-01-01\n", "2,,\n", "3,2,x\n"},
      {"18446744073709551615,true,2025-01-01T00:00:00+01:00\n", "-1,False,2025-01-01T00:00:00+02:00\n"},
      {"1,\"a\nb\",\n", "", "2,\"c,d\",\n"},
  };
  for (const auto& parts : contents) {
    std::string all = "a,b,c\n";
    std::filesystem::remove_all(project_.dir() / "in");
    for (size_t i = 0; i < parts.size(); ++i) {
      project_.write("in/part-" + std::to_string(i) + ".csv", "a,b,c\n" + parts[i]);
      all += parts[i];
    }
    project_.write("whole.csv", all);
    const std::string sql = "SELECT *, typeof(a) AS ta, typeof(b) AS tb, typeof(c) AS tc FROM df_read";
    ASSERT_EQ(run({read("", "whole.csv", ", parse_dates: true"), query(sql), save("whole-out.csv")}).exit, 0);
    const Outcome sharded = run({read("{files: 'in/part-*.csv'}", "${shard.value}", ", parse_dates: true"), query(sql),
                                 save("sharded-out.csv")});
    ASSERT_EQ(sharded.exit, 0) << sharded.err;
    EXPECT_EQ(project_.read("sharded-out.csv"), project_.read("whole-out.csv")) << all;
  }
}

TEST_F(ShardedRuns, AManifestRunsLikeItsPipeline) {
  project_.write("in/a.csv", "id\n1\n");
  project_.write("in/b.csv", "id\n2\n");
  project_.write("p.yaml", oml("p", {read("{files: 'in/*.csv'}", "${shard.value}"), save("out/all.csv")}));
  ASSERT_EQ(project_.osiris({"compile", "p.yaml"}).exit, 0);
  const Outcome outcome = project_.osiris({"run", "--last-compile"});
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(project_.read("out/all.csv"), "id\n1\n2\n");
}

TEST_F(ShardedRuns, ProgramsRunOncePerShard) {
  project_.write("in/a.csv", "id\n1\n2\n");
  project_.write("in/b.csv", "id\n3\n");
  const Outcome outcome =
      run({read("{files: 'in/*.csv'}", "${shard.value}"),
           "  - id: count\n    component: python.processor\n    mode: transform\n    per_shard: true\n    config:\n"
           "      format: ndjson\n      code: |\n        import json, os\n        rows = sum(1 for line in "
           "open(os.environ['OSIRIS_INPUT']))\n        open(os.environ['OSIRIS_OUTPUT'], "
           "'w').write(json.dumps({'rows': rows, 'of': '${shard.stem}'}) + '\\n')\n",
           save("out.csv")});
  ASSERT_EQ(outcome.exit, 0) << outcome.err << outcome.out;
  EXPECT_EQ(project_.read("out.csv"), "rows,of\n2,a\n1,b\n");
}

TEST_F(ShardedRuns, ValuesAndRangesBindTheShardInSql) {
  project_.write("in/1.csv", "n\n5\n");
  project_.write("in/2.csv", "n\n6\n");
  const Outcome outcome = run({read("{range: {from: 1, to: 3}}", "in/${shard.value}.csv"),
                               query("SELECT n * $shard AS n FROM df_read", "    per_shard: true\n"), save("out.csv")});
  ASSERT_EQ(outcome.exit, 0) << outcome.err << outcome.out;
  EXPECT_EQ(project_.read("out.csv"), "n\n5\n12\n");
}

TEST_F(ShardedRuns, ADryRunNamesThem) {
  project_.write("in/a.csv", "id\n1\n");
  project_.write("in/b.csv", "id\n2\n");
  const Outcome outcome =
      run({read("{files: 'in/*.csv'}", "${shard.value}"), save("out/${shard.stem}.csv", "    per_shard: true\n")},
          {"--dry-run"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("runs once for each of 2 shards: in/a.csv to in/b.csv"));
  EXPECT_THAT(outcome.out, HasSubstr("writes file out/b.csv"));
}

TEST_F(ShardedRuns, WhatIsWrongIsSaidBeforeAnythingRuns) {
  project_.write("in/x/a.csv", "id\n1\n");
  project_.write("in/y/a.csv", "id\n2\n");
  const std::string per_shard = "    per_shard: true\n";
  const std::string files = read("{files: 'in/*/*.csv'}", "${shard.value}");
  expect_refused({files, save("out/${shard.stem}.csv", per_shard)}, 2, "write one file: out/a.csv");
  expect_refused({files, save("out/${shard.value}.csv", per_shard)}, 2, "has a '/'");
  expect_refused({read("{files: 'in/*.csv'}", "${shard.value}"), save("out/o.csv")}, 2, "no file matches 'in/*.csv'");
  expect_refused({read("{range: {from: 0, to: 100001}}", "in/${shard.value}.csv"), save("out/o.csv")}, 2,
                 "more than 100000");
  expect_refused({read("{values: [a, '../x']}", "in/${shard.value}.csv"), save("out/o.csv")}, 2, "cannot stand");
  expect_refused({files, query("SELECT '${shard.value}'", per_shard), save("out/o.csv")}, 2, "not pasted into SQL");
  std::filesystem::create_hard_link(project_.dir() / "in/x/a.csv", project_.dir() / "in/y/b.csv");
  expect_refused({files, save("out/o.csv")}, 2, "are one file");
}

TEST_F(ShardedRuns, AShardThatFailsIsNamedAndNothingComesOfTheUnion) {
  project_.write("in/a.csv", "id,name\n1,x\n");
  project_.write("in/b.csv", "id,name\n2,y,z,w\n");
  const std::string files = read("{files: 'in/*.csv'}", "${shard.value}");
  expect_refused({files, save("out/o.csv")}, 1, "shard 1 (in/b.csv): CSV parsing failed");
  project_.write("in/b.csv", "id,title\n2,y\n");
  expect_refused({files, save("out/o.csv")}, 1, "shard 1 (in/b.csv) has id, title");
}

TEST_F(ShardedRuns, AFileThatChangedSinceTheListWasMadeFailsItsShard) {
  project_.write("in/a.csv", "id\n1\n");
  project_.write("in/b.csv", "id\n2\n");
  // A step before it, which changes the file: the list is older.
  project_.write("p.yaml",
                 oml("p", {"  - id: change\n    component: python.processor\n    mode: transform\n    needs: []\n"
                           "    config:\n      format: ndjson\n      code: |\n        import os\n        open('" +
                               (project_.dir() / "in/b.csv").string() +
                               "', 'w').write('id\\n22\\n')\n        open(os.environ['OSIRIS_OUTPUT'], "
                               "'w').write('{\"a\": 1}\\n')\n",
                           "  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    needs: "
                           "[change]\n    foreach: {files: 'in/*.csv'}\n    config: {path: '${shard.value}'}\n",
                           save("out/o.csv", "    needs: [read]\n")}));
  const Outcome outcome = project_.osiris({"run", "p.yaml"});
  EXPECT_EQ(outcome.exit, 1) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("shard 1 (in/b.csv): in/b.csv is no longer the file that was listed"));
  EXPECT_FALSE(std::filesystem::exists(project_.dir() / "out/o.csv"));
}

TEST_F(ShardedRuns, NoShardIsARunWithoutRowsWhereThatIsAllowed) {
  const std::string foreach = "{files: 'in/*.csv', allow_empty: true}";
  const std::string types = ", columns: [id, name], dtype: {id: int64, name: str}";
  const Outcome outcome = run({read(foreach, "${shard.value}", types),
                               query("SELECT id, name FROM df_read", "    per_shard: true\n"), save("out.csv")});
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(project_.read("out.csv"), "id,name\n");
  expect_refused({read(foreach, "${shard.value}"), save("out/o.csv")}, 2, "needs to know the columns");
}

TEST_F(ShardedRuns, ValidateAsksTheWorkerAboutAShard) {
  project_.write("in/a.csv", "id\n1\n");
  project_.write("p.yaml", oml("p", {read("{files: 'in/*.csv'}", "${shard.value}"),
                                     query("SELECT idd FROM df_read", "    per_shard: true\n"), save("out.csv")}));
  const Outcome wrong = project_.osiris({"validate", "p.yaml"});
  EXPECT_EQ(wrong.exit, 2) << wrong.out;
  EXPECT_THAT(wrong.err + wrong.out, HasSubstr("idd"));
}

}  // namespace
}  // namespace osiris::e2e
