#include "protocol/model/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/model/step_naming.h"

namespace osiris {
namespace {

using ::testing::ElementsAre;

Result<PlanStep> parse_step(std::string_view text) { return plan_step_from_json(*parse_json(text)); }

TEST(PlanStep, ReadsWhatThePlanSays) {
  const auto step = parse_step(
      R"({"id":"b","component":"x.writer","driver":"x.writer","mode":"write","needs":["a"],"cfg_path":"cfg/b.json",
      "cfg":{"path":"o.csv","connection":"@f.g"},"inputs":{"df_a":{"from_step":"a"},"df_c":{"from_step":"c"}},
      "outputs":[{"path":"o.csv","target":"/t/o.csv"}],"timeout_s":1.5,"retry":{"max_attempts":3,"delay_s":0.5}})");
  ASSERT_TRUE(step.ok());
  EXPECT_EQ(step->mode, StepMode::kWrite);
  EXPECT_THAT(step->needs, ElementsAre("a", "c"));
  EXPECT_EQ(step->connection, "@f.g");
  EXPECT_EQ(step->outputs.at(0).location, "/t/o.csv");
  EXPECT_EQ(step->timeout_s, 1.5);
  EXPECT_EQ(step->attempts_max, 3u);
}

TEST(PlanStep, CarriesTheStateOfAStep) {
  const auto step = parse_step(R"({"id":"a","driver":"d","state":{"value":"9007199254740993","taken":[["x"]]}})");
  ASSERT_TRUE(step.ok());
  EXPECT_EQ(to_json(*step)["state"].dump(), R"({"value":"9007199254740993","taken":[["x"]]})");
  EXPECT_FALSE(to_json(*parse_step(R"({"id":"a","driver":"d"})")).contains("state"));
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

// Host and worker had a function each, which disagreed on all three.
TEST(PlanStep, NamesInputsAsTheHostDoes) {
  const auto step = parse_step(R"({"id":"join","driver":"d","needs":["načti","映画","a-b","a_b"]})");
  ASSERT_TRUE(step.ok());
  std::vector<std::string> names;
  for (const PlanInput& input : step->inputs) names.push_back(input.name);
  EXPECT_THAT(names, ElementsAre("df_na_ti", "df___", relation_names({"a-b", "a_b"})[0].first,
                                 relation_names({"a-b", "a_b"})[1].first));
  EXPECT_NE(names[2], names[3]);
}

TEST(PlanStep, SurvivesItsDocument) {
  const Json written = *parse_json(
      R"({"id":"b","component":"x.writer","driver":"x.writer","mode":"write","needs":["c","a"],"cfg_path":"cfg/b.json",
      "cfg":{"path":"o.csv"},"inputs":{"df_c":{"from_step":"c"}},"outputs":[{"path":"o.csv","target":"/t/o.csv"}],
      "input_files":[{"path":"i.csv","source":"/s/i.csv"}],"connection":"@f.g","hosts":["db:1"],"timeout_s":1.5,
      "retry":{"max_attempts":3,"delay_s":0.5},"check":true})");
  const auto step = plan_step_from_json(written);
  ASSERT_TRUE(step.ok());
  EXPECT_EQ(to_json(*step), written);
}

TEST(PlanConnection, SurvivesItsDocument) {
  const Json written = *parse_json(
      R"({"family":"mysql","alias":"shop","fields":{"host":"h"},"secrets":{"password":"connection/mysql.shop/password"},"addresses":{"h":["192.0.2.1"]}})");
  EXPECT_EQ(to_json(plan_connection_from_json("@mysql.shop", written)), written);
}

TEST(PlanConnection, TakesFamilyAndAliasFromItsReference) {
  const PlanConnection connection = plan_connection_from_json("@mysql.shop", Json());
  EXPECT_EQ(connection.family, "mysql");
  EXPECT_EQ(connection.alias, "shop");
  EXPECT_EQ(plan_connection_from_json("@mysql", Json()).alias, "(default)");
}

}  // namespace
}  // namespace osiris
