// A shard fails and the others go on (`on_failure: continue`): what is written, and how each of the run's records says
// what is missing.
#include <gmock/gmock.h>

#include <set>

#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

using testing::HasSubstr;
using testing::Not;

class ShardsGoOn : public testing::Test {
 protected:
  ShardsGoOn() {
    project_.write("in/a.csv", "id\n1\n");
    project_.write("in/b.csv", "id\n2,3\n");
    project_.write("in/c.csv", "id\n3\n");
    project_.write("other.csv", "x\n1\n");
    pipeline("on_failure: continue");
  }
  void pipeline(const std::string& option) {
    project_.write(
        "p.yaml",
        oml("p",
            {"  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    foreach: {files: "
             "'in/*.csv', " +
                 option + "}\n    config: {path: \"${shard.value}\"}\n",
             "  - id: each\n    component: filesystem.csv_writer\n    mode: write\n    per_shard: true\n    config: "
             "{path: \"out/${shard.stem}.csv\"}\n",
             "  - id: total\n    component: duckdb.processor\n    mode: transform\n    needs: [read]\n    config: "
             "{query: \"SELECT sum(id) AS s FROM df_read\"}\n",
             "  - id: save\n    component: filesystem.csv_writer\n    mode: write\n    needs: [total]\n    config: "
             "{path: out/total.csv}\n",
             "  - id: apart\n    component: filesystem.csv_extractor\n    mode: read\n    needs: []\n    config: "
             "{path: other.csv}\n",
             "  - id: keep\n    component: filesystem.csv_writer\n    mode: write\n    needs: [apart]\n    config: "
             "{path: out/apart.csv}\n"}));
  }
  static const Json& step_of(const Json& document, const std::string& id) {
    static const Json none;
    for (const Json& step : document["steps"].items())
      if (step["step_id"].as_string() == id) return step;
    return none;
  }

  Project project_;
};

TEST_F(ShardsGoOn, WhatArrivedStaysAndEveryRecordNamesWhatIsMissing) {
  const Outcome outcome = project_.osiris({"run", "p.yaml", "--json", "--report", "junit=run.xml"});
  EXPECT_EQ(outcome.exit, 1) << outcome.err;
  EXPECT_EQ(project_.read("out/a.csv"), "id\n1\n");
  EXPECT_EQ(project_.read("out/c.csv"), "id\n3\n");
  EXPECT_EQ(project_.read("out/apart.csv"), "x\n1\n") << "it reads none of them";
  for (const char* absent : {"b.csv", "total.csv"})
    EXPECT_FALSE(std::filesystem::exists(project_.dir() / "out" / absent)) << absent;

  const Json document = outcome.json();
  EXPECT_THAT(document["message"].as_string(), HasSubstr("1 of its 3 shards failed: shard 1 (in/b.csv)"));
  const Json& read = step_of(document, "read");
  EXPECT_EQ(read["status"], Json("failed"));
  EXPECT_EQ(read["shards"]["accepted"], Json(2));
  EXPECT_EQ(read["shards"]["failed"].items().at(0)["shard"], Json(1));
  EXPECT_EQ(read["shards"]["failed"].items().at(0)["value"], Json("in/b.csv"));
  EXPECT_EQ(read["rows_read"], Json(2));
  EXPECT_EQ(step_of(document, "each")["status"], Json("failed"));
  EXPECT_EQ(step_of(document, "each")["rows_written"], Json(2));
  for (const char* over_the_union : {"total", "save"}) {
    EXPECT_EQ(step_of(document, over_the_union)["status"], Json("skipped")) << over_the_union;
    EXPECT_EQ(step_of(document, over_the_union)["cause"], Json("read")) << over_the_union;
  }
  EXPECT_EQ(step_of(document, "keep")["status"], Json("complete"));
  std::set<std::string> named;
  for (const Json& output : document["outputs"].items()) named.insert(output["path"].as_string());
  EXPECT_EQ(named, (std::set<std::string>{"out/a.csv", "out/apart.csv", "out/c.csv"}));

  const std::string junit = project_.read("run.xml");
  EXPECT_THAT(junit, HasSubstr("name=\"read: shard 1 (in/b.csv)\""));
  EXPECT_THAT(junit, HasSubstr("<skipped message=\"step 'read' failed\"/>"));
  const auto session = project_.session();
  const auto shards = parse_json(project_.read(session / "shards.json"));
  ASSERT_TRUE(shards.ok());
  const Json& list = (*shards)["lists"].items().at(0);
  EXPECT_EQ(list["failed"]["read"].items().at(0)["index"], Json(1));
  EXPECT_TRUE(list["accepted"]["read"].items().at(1).is_null());
  EXPECT_EQ(list["accepted"]["each"].items().at(2)["rows"], Json(1));
  EXPECT_EQ(Project::events(session, "shard_failed").size(), 1u);
  ASSERT_EQ(project_.osiris({"report"}).exit, 0);
  const std::string page = project_.read(session / "report.html");
  for (const char* part : {"Shards that failed", "1 (in/b.csv)", "because of read"}) EXPECT_THAT(page, HasSubstr(part));
}

TEST_F(ShardsGoOn, StopIsWhatIsSoWithoutTheKey) {
  pipeline("on_failure: stop");
  const Outcome outcome = project_.osiris({"run", "p.yaml", "--json"});
  EXPECT_EQ(outcome.exit, 1);
  EXPECT_THAT(outcome.json()["message"].as_string(), HasSubstr("shard 1 (in/b.csv)"));
  EXPECT_THAT(outcome.json()["message"].as_string(), Not(HasSubstr("of its 3 shards")));
  EXPECT_FALSE(std::filesystem::exists(project_.dir() / "out/c.csv"));
  EXPECT_TRUE(Project::events(project_.session(), "shard_failed").empty());
}

TEST_F(ShardsGoOn, ADryRunSaysIt) {
  EXPECT_THAT(project_.osiris({"run", "p.yaml", "--dry-run"}).out,
              HasSubstr("where a shard fails, the others come to their end (on_failure: continue)"));
}

// Once the file is mended nothing but what is missing has to be thought of: the run is repeated whole or resumed.
TEST_F(ShardsGoOn, AMendedRunIsWhole) {
  ASSERT_EQ(project_.osiris({"run", "p.yaml", "--keep-outputs"}).exit, 1);
  project_.write("in/b.csv", "id\n2\n");
  const Outcome outcome = project_.osiris({"run", "p.yaml", "--resume"});
  ASSERT_EQ(outcome.exit, 0) << outcome.err << outcome.out;
  EXPECT_EQ(project_.read("out/b.csv"), "id\n2\n");
  EXPECT_EQ(project_.read("out/total.csv"), "s\n6\n");
}

}  // namespace
}  // namespace osiris::e2e
