// The executor on a machine that has no more threads.
#include <gtest/gtest.h>

#include "tests/support/no_more_threads.h"
#include "tests/unit/worker/executor_fixture.h"

namespace osiris::worker {
namespace {

TEST_F(ExecutorTest, WithoutAThreadItDoesNotBegin) {
  plan({step("a", "produce")});
  const NoMoreThreads none;
  const Status begun = executor_->begin();
  ASSERT_FALSE(begun.ok());
  EXPECT_EQ(begun.error().message, "the worker cannot run steps: the machine has no more threads");
}

TEST_F(ExecutorTest, OnItsFirstThreadAloneItRunsEveryStep) {
  plan({step("a", "produce"), step("b", "produce"), step("c", "consume", {"a"})});
  ASSERT_TRUE(executor_->begin().ok());
  const NoMoreThreads none;
  ask_all({"a", "b", "c"});
  for (const char* id : {"a", "b", "c"}) EXPECT_EQ(result(id)["status"].as_string(), "success") << id;
}

TEST_F(ExecutorTest, AStepsTimeIsWatchedByAThreadThatWasThereBefore) {
  Json slow = step("slow", "until_cancelled");
  slow.set("timeout_s", 0.05);
  plan({slow});
  ASSERT_TRUE(executor_->begin().ok());
  const NoMoreThreads none;
  gate->open();
  ask_all({"slow"});
  EXPECT_EQ(error("slow").category, "runtime.timeout");
}

}  // namespace
}  // namespace osiris::worker
