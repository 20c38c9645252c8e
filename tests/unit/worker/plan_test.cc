#include "worker/executor/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/executor/masked_config.h"
#include "worker/specs/specs.h"

namespace osiris::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Result<PlanStep> parse_step(std::string_view text) { return plan_step_from_json(*parse_json(text)); }

TEST(PlanStep, ReadsWhatThePlanSays) {
  const auto step = parse_step(
      R"({"id":"b","component":"x.writer","driver":"x.writer","mode":"write","needs":["a"],"cfg_path":"cfg/b.json",
      "cfg":{"path":"o.csv","connection":"@f.g"},"inputs":{"df_a":{"from_step":"a"},"df_c":{"from_step":"c"}},
      "outputs":[{"path":"o.csv","target":"/t/o.csv"}],"timeout_s":1.5,"retry":{"max_attempts":3,"delay_s":0.5}})");
  ASSERT_TRUE(step.ok());
  EXPECT_EQ(step->mode, Mode::kWrite);
  EXPECT_THAT(step->needs, ElementsAre("a", "c"));
  EXPECT_EQ(step->connection, "@f.g");
  EXPECT_EQ(step->outputs.at(0).location, "/t/o.csv");
  EXPECT_EQ(step->timeout_s, 1.5);
  EXPECT_EQ(step->attempts_max, 3u);
}

TEST(PlanStep, NamesInputsByTheirStepsWhenThePlanDoesNot) {
  const auto step = parse_step(R"({"id":"b","driver":"d","needs":["get.users","2nd"]})");
  ASSERT_TRUE(step.ok());
  EXPECT_EQ(step->inputs.at(0).name, "df_get_users");
  EXPECT_EQ(step->inputs.at(1).name, "df__2nd");
}

TEST(PlanStep, RefusesIdsThatLeaveTheirDirectory) {
  for (const char* id : {"", ".", "..", "../../evil", "a/b", "x\\ny"})
    EXPECT_FALSE(parse_step(std::string(R"({"id":")") + id + R"(","driver":"d"})").ok()) << id;
  EXPECT_FALSE(parse_step(R"({"id":")" + std::string(129, 'x') + R"(","driver":"d"})").ok());
  EXPECT_TRUE(parse_step(R"({"id":")" + std::string(128, 'x') + R"(","driver":"d"})").ok());
}

TEST(PlanStep, RefusesWhatIsNoStep) {
  for (const char* text :
       {R"({"id":"a"})", R"({"id":"a","driver":"d","needs":[1]})", R"({"id":"a","driver":"d","inputs":{"df":{}}})",
        R"({"id":"a","driver":"d","cfg":[]})", R"({"id":"a","driver":"d","needs":["a"]})", "[]", "1"})
    EXPECT_FALSE(parse_step(text).ok()) << text;
}

TEST(Plan, RefusesTwoStepsOfOneId) {
  EXPECT_FALSE(plan_from_json(*parse_json(R"({"steps":[{"id":"a","driver":"d"},{"id":"a","driver":"d"}]})")).ok());
  EXPECT_TRUE(plan_from_json(*parse_json(R"({"steps":[{"id":"a","driver":"d"},{"id":"b","driver":"d"}]})")).ok());
  EXPECT_FALSE(plan_from_json(*parse_json("{}")).ok());
}

TEST(PathMap, StartsRelativePathsInTheWorkDirectory) {
  const PathMap paths("/home/user/work", {});
  EXPECT_EQ(paths.resolve("in/a.csv"), "/home/user/work/in/a.csv");
  EXPECT_EQ(paths.resolve("../a.csv"), "/home/user/a.csv");
  EXPECT_EQ(paths.resolve("/data/a.csv"), "/data/a.csv");
}

TEST(PathMap, ReplacesTheLongestPrefixOfWholeNames) {
  const PathMap paths("/w", {{"/data", "/in"}, {"/data/big", "/big"}, {"/data/one.csv", "/files/1"}});
  EXPECT_EQ(paths.resolve("/data/a.csv"), "/in/a.csv");
  EXPECT_EQ(paths.resolve("/data/big/a.csv"), "/big/a.csv");
  EXPECT_EQ(paths.resolve("/data/one.csv"), "/files/1");
  EXPECT_EQ(paths.resolve("/database/a.csv"), "/database/a.csv");
}

TEST(MaskedConfig, HidesByPointerByNameAndByValue) {
  Redactor redactor;
  redactor.add("known-value");
  const Json config = *parse_json(
      R"({"headers":{"A":"x"},"list":[{"pin":"1"},{"pin":"2"}],"nested":{"db_password":"p","X-Auth-Token":"t","primary_key":"id"},
      "note":"has known-value","key":null,"max_tokens":5,"author":"me"})");
  EXPECT_EQ(masked_config(config, "/headers /list/*/pin /absent", redactor).dump(),
            R"({"headers":"***MASKED***","list":[{"pin":"***MASKED***"},{"pin":"***MASKED***"}],)"
            R"("nested":{"db_password":"***MASKED***","X-Auth-Token":"***MASKED***","primary_key":"id"},)"
            R"("note":"has ***MASKED***","key":null,"max_tokens":5,"author":"me"})");
}

TEST(Specs, KnowEveryComponentAndItsSecrets) {
  ASSERT_NE(find_component_spec("mysql.extractor"), nullptr);
  EXPECT_THAT(std::string(find_component_spec("mysql.extractor")->secret_pointers), HasSubstr("/password"));
  EXPECT_EQ(find_component_spec("mysql.extractor")->sha256.size(), 64u);
  EXPECT_EQ(find_component_spec("nobody.extractor"), nullptr);
  std::string before;
  for (const ComponentSpec& spec : component_specs()) {
    EXPECT_LT(before, spec.name);
    before = spec.name;
  }
}

}  // namespace
}  // namespace osiris::worker
