// How the executor finishes a run: what it waits for, and what it skips.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "tests/unit/worker/executor_fixture.h"
#include "worker/executor/executor.h"

namespace osiris::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(ExecutorTest, FinishWaitsForEveryStepAskedForBefore) {
  plan({step("a", "wait")});
  ask("a");
  gate->wait_for_waiters(1);
  std::promise<RequestResult> promise;
  executor_->finish([&](RequestResult outcome) { promise.set_value(std::move(outcome)); });
  EXPECT_TRUE(sink_.event("cleanup_complete").is_null());
  gate->open();
  EXPECT_EQ(std::get<Json>(promise.get_future().get())["steps_completed"].as_int(), 1);
}

TEST_F(ExecutorTest, FinishIsAnsweredAfterAnAnswerThatIsStillOnItsWay) {
  plan({step("a", "produce"), step("b", "produce")});
  executor_->execute("a", [](const RequestResult&) { gate->wait(); });
  ask("b");
  EXPECT_EQ(result("b")["status"].as_string(), "success");
  gate->wait_for_waiters(1);
  std::promise<RequestResult> promise;
  executor_->finish([&](RequestResult outcome) { promise.set_value(std::move(outcome)); });
  EXPECT_TRUE(sink_.event("cleanup_complete").is_null());
  gate->open();
  EXPECT_EQ(std::get<Json>(promise.get_future().get())["steps_completed"].as_int(), 2);
}

TEST_F(ExecutorTest, FinishSkipsStepsThatWaitForOneNobodyAskedFor) {
  plan({step("a", "produce"), step("b", "consume", {"a"}), step("c", "produce")});
  ask_all({"b", "c"});
  EXPECT_EQ(finish()["steps_completed"].as_int(), 1);
  EXPECT_EQ(error("b").detail["cause"].as_string(), "a");
  EXPECT_THAT(error("b").message, HasSubstr("never asked for"));
}

TEST_F(ExecutorTest, FinishEndsACycleInsteadOfWaitingForEver) {
  plan({step("a", "consume", {"b"}), step("b", "consume", {"a"})});
  ask_all({"a", "b"});
  EXPECT_EQ(finish()["steps_executed"].as_int(), 0);
  error("a");
}

}  // namespace
}  // namespace osiris::worker
