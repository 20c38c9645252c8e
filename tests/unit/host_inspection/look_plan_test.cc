// Plans cut to a step, and what is put behind them.
#include "host/inspection/look_plan.h"

#include <gmock/gmock.h>

namespace osiris {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

PlanStep step(std::string id, StepMode mode, std::vector<std::string> needs, std::string connection = {}) {
  PlanStep made;
  made.id = std::move(id);
  made.component = made.driver = "mock";
  made.mode = mode;
  for (const std::string& need : needs) made.inputs.push_back({"df_" + need, need});
  made.needs = std::move(needs);
  made.cfg_path = "cfg/" + made.id + ".json";
  made.connection = std::move(connection);
  if (!made.connection.empty()) made.hosts = {made.connection + ".example:1"};
  return made;
}

std::vector<std::string> ids(const AdapterInputs& inputs) {
  std::vector<std::string> found;
  for (const PlanStep& each : inputs.plan.steps) found.push_back(each.id);
  return found;
}

// a -> b -> c; a -> write; d comes after write.
AdapterInputs pipeline() {
  AdapterInputs inputs;
  inputs.plan.steps = {step("a", StepMode::kExtract, {}, "@mysql.shop"),
                       step("b", StepMode::kTransform, {"a"}),
                       step("other", StepMode::kExtract, {}, "@mysql.other"),
                       step("c", StepMode::kTransform, {"b"}),
                       step("write", StepMode::kWrite, {"a"}),
                       step("d", StepMode::kExtract, {})};
  inputs.plan.steps[5].needs = {"write"};
  DataCheck check;
  check.kind = CheckKind::kRelationships;
  check.to_step = "other";
  inputs.plan.steps[3].checks = {check};
  inputs.plan.steps[3].needs.push_back("other");
  const auto connection = [](const char* secret) {
    return to_json(PlanConnection{"mysql", "x", Json::object(), {{"password", secret}}, Json::object()});
  };
  inputs.connections_json =
      Json::object({{"connections", Json::object({{"@mysql.shop", connection("connection/mysql.shop/password")},
                                                  {"@mysql.other", connection("connection/mysql.other/password")}})},
                    {"env", Json::array({"TOKEN"})},
                    {"secret_names", Json::array()}});
  inputs.secret_names = {"connection/mysql.other/password", "connection/mysql.shop/password", "env/TOKEN"};
  inputs.stateful = {"a", "other"};
  return inputs;
}

TEST(LookPlan, IsCutToWhatTheRowsNeed) {
  std::vector<std::string> notes;
  const AdapterInputs cut = cut_to(pipeline(), "c", {}, notes);
  EXPECT_THAT(ids(cut), ElementsAre("a", "b", "c"));
  EXPECT_THAT(cut.plan.steps[2].needs, ElementsAre("b"));
  EXPECT_THAT(cut.plan.steps[2].checks, IsEmpty());
  EXPECT_THAT(cut.stateful, ElementsAre("a"));
  EXPECT_THAT(notes, IsEmpty());
}

TEST(LookPlan, RunsNothingBeforeRowsThatAreKept) {
  KeptEntry entry;
  entry.file = "/cache/b.parquet";
  entry.run_id = "run-1";
  entry.rows_out = 3;
  entry.shard_rows = {1, 2};
  std::vector<std::string> notes;
  const AdapterInputs cut = cut_to(pipeline(), "c", {{"b", entry}}, notes);
  EXPECT_THAT(ids(cut), ElementsAre("b", "c"));
  const PlanStep& taken = cut.plan.steps[0];
  EXPECT_EQ(taken.kept.use, StepUse::kTake);
  EXPECT_EQ(taken.kept.rows_out, 3u);
  EXPECT_THAT(taken.kept.shard_rows, ElementsAre(1, 2));
  EXPECT_EQ(taken.input_files.front().location, "/cache/b.parquet");
  EXPECT_TRUE(cut.plan.steps[1].kept.runs());
  // No secret of what does not run.
  EXPECT_THAT(cut.secret_names, ElementsAre("env/TOKEN"));
  EXPECT_THAT(cut.hosts, IsEmpty());
  EXPECT_THAT(cut.stateful, IsEmpty());
}

TEST(LookPlan, LendsNoSecretThatItDoesNotNeed) {
  std::vector<std::string> notes;
  const AdapterInputs cut = cut_to(pipeline(), "c", {}, notes);
  EXPECT_THAT(cut.secret_names, ElementsAre("connection/mysql.shop/password", "env/TOKEN"));
  EXPECT_EQ(cut.connections_json["connections"].size(), 1u);
  EXPECT_EQ(cut.connections_json["secret_names"].size(), 2u);
  EXPECT_THAT(cut.hosts, ElementsAre("@mysql.shop.example:1"));
}

TEST(LookPlan, NeverRunsAWriterAndSaysSo) {
  std::vector<std::string> notes;
  const AdapterInputs cut = cut_to(pipeline(), "d", {}, notes);
  EXPECT_THAT(ids(cut), ElementsAre("d"));
  EXPECT_THAT(cut.plan.steps[0].needs, IsEmpty());
  EXPECT_THAT(notes, ElementsAre(HasSubstr("'write', which is not run again")));
}

TEST(LookPlan, GivesItsStepsIdsThatAreFree) {
  AdapterInputs inputs;
  inputs.plan.steps = {step("look-query", StepMode::kExtract, {})};
  LookPlan plan(std::move(inputs));
  EXPECT_EQ(plan.add_query({"look-query"}, "FROM input_df"), "look-query-");
  const std::string last = plan.add_preview("look-query-", 3, "/tmp/x/preview.json");
  const PlanStep& made = plan.inputs().plan.steps.back();
  EXPECT_EQ(made.id, last);
  EXPECT_EQ(made.inputs.front().name, "df_look_query_");
  EXPECT_EQ(made.cfg["rows"].as_int(), 3);
  EXPECT_EQ(made.outputs.front().location, "/tmp/x/preview.json");
  // And the worker takes it.
  EXPECT_TRUE(plan_from_json(to_json(plan.inputs().plan)).ok());
}

TEST(LookPlan, ReadsFilesByTheNameThatTheRunGaveThem) {
  LookPlan plan;
  const Json written = Json::object({{"delimiter", ";"}, {"newline", "crlf"}, {"path", "out.csv.gz"}});
  EXPECT_TRUE(plan.add_file("left", {"out.csv.gz", "/copy/out.csv.gz", 1, "", "save"}, written).ok());
  const PlanStep& made = plan.inputs().plan.steps.front();
  EXPECT_EQ(made.driver, "filesystem.csv_extractor");
  EXPECT_EQ(made.cfg.dump_canonical(),
            R"({"component":"filesystem.csv_extractor","delimiter":";","path":"/copy/out.csv.gz"})");
  EXPECT_FALSE(plan.add_file("right", {"out.db", "/copy/out.db", 1, "", "save"}, written).ok());
  for (const char* path : {"a.CSV", "a.ndjson.zst", "a.parquet", "a.tsv"}) EXPECT_TRUE(holds_rows(path)) << path;
  for (const char* path : {"a", "a.db", "csv", "a.gz"}) EXPECT_FALSE(holds_rows(path)) << path;
}

}  // namespace
}  // namespace osiris
