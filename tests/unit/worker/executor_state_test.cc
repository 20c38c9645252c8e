// The state of a step: given with the plan, told when the step has succeeded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/worker/executor_fixture.h"
#include "worker/executor/executor.h"

namespace osiris::worker {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(ExecutorTest, AStepIsGivenItsStateAndTellsTheNewOneOnceItHasSucceeded) {
  Json counted = step("a", "count_runs");
  counted.set("state", Json::object({{"runs", 41}}));
  plan({counted, step("b", "count_runs"), step("c", "produce")});
  ask_all({"a", "b", "c"});
  for (const char* id : {"a", "b", "c"}) result(id);
  std::map<std::string, Json> told;
  for (const Json& event : sink_.events())
    if (event["event"].as_string() == "step_state") told[event["step_id"].as_string()] = event["state"];
  EXPECT_EQ(told.at("a").dump(), R"({"runs":42})");
  EXPECT_EQ(told.at("b").dump(), R"({"runs":1})");
  EXPECT_FALSE(told.contains("c"));
  const auto names = sink_.event_names("a");
  EXPECT_EQ(names.back(), "step_complete") << "a host that saw the step complete has seen its state";
}

TEST_F(ExecutorTest, AStepThatFailsTellsNoState) {
  plan({step("a", "count_runs", {}, Json::object({{"fails", true}}))});
  ask("a");
  error("a");
  EXPECT_THAT(sink_.event_names("a"), Not(Contains("step_state")));
}

TEST_F(ExecutorTest, AStateWithASecretOrTooLargeFailsTheStep) {
  plan({step("a", "count_runs", {}, Json::object({{"secret", true}}))});
  ask("a");
  EXPECT_EQ(error("a").message, "the new state of step a holds a secret value");
  plan({step("b", "count_runs", {}, Json::object({{"large", true}}))});
  ask("b");
  EXPECT_THAT(error("b").message, HasSubstr("and at most 262144 are kept"));
}

}  // namespace
}  // namespace osiris::worker
