// The file of a pipeline's state: what is kept, who may change it, and what is refused.
#include "host/run/pipeline_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/base/file.h"
#include "protocol/base/temporary_directory.h"

namespace osiris {
namespace {

using ::testing::HasSubstr;

class PipelineStateTest : public ::testing::Test {
 protected:
  PipelineStateTest() {
    Diagnostics findings;
    project_ = Project::load(directory_.path(), Environment(), findings);
    file_ = directory_.path() / ".osiris/state/dev/daily-sync.json";
  }
  void keep(const std::string& step, Json state) {
    auto held = PipelineState::hold(project_, "daily_sync", "dev");
    ASSERT_TRUE(held.ok()) << held.error().message;
    held->set(step, "mysql.extractor", std::move(state), "run-1");
    const Status kept = held->commit();
    ASSERT_TRUE(kept.ok()) << kept.error().message;
  }
  std::string error_with(const std::string& text) {
    EXPECT_TRUE(write_file_atomically(file_, text).ok());
    const auto read = PipelineState::read(project_, "daily_sync", "dev");
    return read.ok() ? "it was read" : read.error().message;
  }

  TemporaryDirectory directory_ = *TemporaryDirectory::make();
  Project project_;
  std::filesystem::path file_;
};

TEST_F(PipelineStateTest, ComesBackAsItWasKept) {
  EXPECT_TRUE(PipelineState::read(project_, "daily_sync", "dev")->steps().empty());
  keep("read", Json::object({{"value", "9007199254740993"}, {"taken", Json::array({Json::array({"a\"b"})})}}));
  const auto read = PipelineState::read(project_, "daily_sync", "dev");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->file(), file_);
  EXPECT_EQ(read->steps().at("read").state.dump(), R"({"value":"9007199254740993","taken":[["a\"b"]]})");
  EXPECT_TRUE(PipelineState::read(project_, "daily_sync", "prod")->steps().empty());
  EXPECT_EQ(state_files(project_), std::vector{file_});
}

TEST_F(PipelineStateTest, IsHeldByOneRunAtATime) {
  auto first = PipelineState::hold(project_, "daily_sync", "dev");
  ASSERT_TRUE(first.ok());
  const auto second = PipelineState::hold(project_, "daily_sync", "dev");
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.error().message, HasSubstr("another run of pipeline 'daily_sync' is under way"));
  EXPECT_TRUE(PipelineState::hold(project_, "daily_sync", "prod").ok());
  EXPECT_TRUE(PipelineState::read(project_, "daily_sync", "dev").ok());
}

TEST_F(PipelineStateTest, IsNotKeptOverAChangeOfSomethingElse) {
  keep("read", Json::object({{"value", "1"}}));
  auto held = PipelineState::hold(project_, "daily_sync", "dev");
  ASSERT_TRUE(held.ok());
  const std::string by_hand = R"({"format":1,"pipeline":"daily_sync","profile":"dev","steps":{}})";
  ASSERT_TRUE(write_file_atomically(file_, by_hand).ok());
  held->set("read", "mysql.extractor", Json::object({{"value", "2"}}), "");
  const Status kept = held->commit();
  ASSERT_FALSE(kept.ok());
  EXPECT_THAT(kept.error().message, HasSubstr("was changed while it was held"));
  EXPECT_EQ(*read_file(file_), by_hand);
}

TEST_F(PipelineStateTest, WhatIsNoStateOfThisPipelineIsAnErrorAndNeverNone) {
  keep("read", Json::object({{"value", "1"}}));
  for (const auto& [text, why] : std::vector<std::pair<std::string, std::string>>{
           {"", "is no state of this pipeline"},
           {"{\"format\":1,\"pipeline\":\"daily_s", "is no state of this pipeline"},
           {"[]", "it has no format"},
           {R"({"format":2,"pipeline":"daily_sync","profile":"dev","steps":{}})", "its format is 2"},
           {R"({"format":1,"pipeline":"daily-sync","profile":"dev","steps":{}})",
            "it is of the pipeline \"daily-sync\""},
           {R"({"format":1,"pipeline":"daily_sync","profile":"prod","steps":{}})", "it is of the profile \"prod\""},
           {R"({"format":1,"pipeline":"daily_sync","profile":"dev"})", "it has no steps"},
           {R"({"format":1,"pipeline":"daily_sync","profile":"dev","steps":{"a":{"state":{}}}})",
            "its step 'a' has no"},
           {R"({"format":1,"pipeline":"daily_sync","profile":"dev","steps":{"a":{"component":"x","state":5}}})",
            "its step 'a' has no"}})
    EXPECT_THAT(error_with(text), HasSubstr(why)) << text;
}

TEST_F(PipelineStateTest, ThatIsDamagedIsForgottenWhenAskedForAndKeptBeside) {
  keep("read", Json::object({{"value", "1"}}));
  for (const std::string damaged : {"", "{\"format\":1,\"pipel", "[]",
                                    R"({"format":1,"pipeline":"daily_sync","profile":"dev","steps":{"a":{}}})"}) {
    EXPECT_THAT(error_with(damaged), HasSubstr("is no state of this pipeline"));
    auto held = PipelineState::hold_damaged(project_, "daily_sync", "dev");
    ASSERT_TRUE(held.ok()) << held.error().message;
    EXPECT_THAT(held->damage(), HasSubstr("is no state of this pipeline"));
    EXPECT_EQ(*read_file(file_), damaged) << "nothing is changed before commit()";
    ASSERT_TRUE(held->commit().ok());
    EXPECT_EQ(*read_file(file_.string() + ".damaged"), damaged);
    EXPECT_TRUE(PipelineState::read(project_, "daily_sync", "dev")->steps().empty());
  }
  for (const char* foreign : {R"({"format":2,"pipeline":"daily_sync","profile":"dev","steps":{}})",
                              R"({"format":1,"pipeline":"other","profile":"dev","steps":{}})"}) {
    EXPECT_NE(error_with(foreign), "it was read");
    EXPECT_FALSE(PipelineState::hold_damaged(project_, "daily_sync", "dev").ok()) << foreign;
  }
}

TEST_F(PipelineStateTest, IsGivenToStatefulStepsOfItsComponentOnly) {
  keep("read", Json::object({{"value", "1"}}));
  AdapterInputs inputs;
  inputs.plan.steps.resize(2);
  inputs.plan.steps[0].id = "read";
  inputs.plan.steps[0].component = "mysql.extractor";
  inputs.plan.steps[1].id = "other";
  const auto state = PipelineState::read(project_, "daily_sync", "dev");
  ASSERT_TRUE(state.ok());
  ASSERT_TRUE(state->give(inputs).ok());
  EXPECT_TRUE(inputs.plan.steps[0].state.is_null()) << "the step no longer keeps one";
  inputs.stateful = {"read"};
  ASSERT_TRUE(state->give(inputs).ok());
  EXPECT_EQ(inputs.plan.steps[0].state["value"].as_string(), "1");
  inputs.plan.steps[0].component = "postgres.extractor";
  const Status foreign = state->give(inputs);
  ASSERT_FALSE(foreign.ok());
  EXPECT_THAT(foreign.error().message, HasSubstr("is of mysql.extractor, and the step is postgres.extractor"));
}

}  // namespace
}  // namespace osiris
