// The dataflow executor with small drivers of the test's own, a real database and a sink that keeps what is sent.
#include "worker/executor/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "tests/unit/worker/executor_fixture.h"

namespace osiris::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(ExecutorTest, RunsAStepWhenItsInputsExistWhateverTheOrderOfRequests) {
  plan({step("a", "produce"), step("b", "count_input", {"a"}), step("c", "consume", {"b"})});
  ask_all({"c", "b", "a"});
  EXPECT_EQ(result("c")["metrics"]["rows_written"].as_int(), 3);
  EXPECT_THAT(order_, ElementsAre("a", "b", "c"));
  EXPECT_EQ(result("b")["outputs"]["df"].as_string(), "df_b");
  EXPECT_EQ(result("c")["outputs"].size(), 0u);
}

TEST_F(ExecutorTest, SaysHowFarAStepIsInRowsAndBytesAndOfHowMany) {
  Json writer = step("b", "report_and_wait", {"a"});
  writer.set("mode", "write");
  plan({step("a", "produce"), writer});
  ask_all({"a", "b"});
  gate->wait_for_waiters(1);
  const auto progress = executor_->progress();
  ASSERT_EQ(progress.size(), 1u);
  EXPECT_EQ(progress[0].rows, 2u);
  EXPECT_EQ(progress[0].rows_total, 3u) << "a writer has its input before it";
  EXPECT_EQ(progress[0].bytes, 10u);
  EXPECT_EQ(progress[0].bytes_total, 40u);
  gate->open();
  result("b");
}

TEST_F(ExecutorTest, RunsIndependentStepsSideBySide) {
  plan({step("a", "wait"), step("b", "wait"), step("c", "wait")});
  ask_all({"a", "b", "c"});
  gate->wait_for_waiters(3);
  EXPECT_EQ(executor_->progress().size(), 3u);
  gate->open();
  for (const char* id : {"a", "b", "c"}) result(id);
}

// Four that compute (threads) and six that wait (parallel): the fixture's run.
TEST_F(ExecutorTest, StepsThatWaitRunBesideAsManyAsCompute) {
  std::vector<Json> steps;
  std::vector<std::string> ids;
  for (int i = 0; i < 8; ++i) {
    ids.push_back("compute-" + std::to_string(i));
    steps.push_back(step(ids.back(), "compute"));
  }
  for (int i = 0; i < 8; ++i) {
    ids.push_back("far-" + std::to_string(i));
    steps.push_back(step(ids.back(), "far"));
  }
  plan(steps);
  most_computing = 0;
  ask_all(ids);
  gate->wait_for_waiters(10);
  EXPECT_EQ(executor_->progress().size(), 10u);
  EXPECT_EQ(most_computing, 4);
  gate->open();
  for (const std::string& id : ids) result(id);
  EXPECT_LE(most_computing, 4);
}

TEST_F(ExecutorTest, EmitsTheEventsOfAStepInTheirDocumentedOrder) {
  Json with_connection =
      step("b", "count_input", {"a"}, parse(R"({"component":"count_input","connection":"@db.shop","limit":1})"));
  plan({step("a", "produce"), with_connection});
  ask_all({"a", "b"});
  result("b");
  EXPECT_THAT(
      sink_.event_names("b"),
      ElementsAre("step_start", "artifacts_dir_created", "cfg_opened", "config_meta_stripped", "artifact_created",
                  "connection_resolve_start", "connection_resolve_complete", "inputs_resolved", "step_complete"));
  EXPECT_EQ(sink_.event("config_meta_stripped")["keys_removed"].size(), 0u);
  const Json resolved = sink_.event("connection_resolve_complete");
  EXPECT_EQ(resolved["family"].as_string(), "db");
  EXPECT_EQ(resolved["alias"].as_string(), "shop");
  EXPECT_TRUE(resolved["ok"].as_bool());
  const Json input = sink_.event("inputs_resolved");
  EXPECT_EQ(input["key"].as_string(), "df_a");
  EXPECT_EQ(input["rows"].as_int(), 3);
}

TEST_F(ExecutorTest, EmitsMetricsWithStepIdAndTag) {
  plan({step("a", "produce"), step("b", "count_input", {"a"})});
  ask_all({"a", "b"});
  result("b");
  for (const char* name : {"rows_in", "rows_read", "rows_out", "step_duration_ms", "step_b_duration"}) {
    const Json metric = sink_.metric(name);
    EXPECT_FALSE(metric["step_id"].as_string().empty()) << name;
    EXPECT_EQ(metric["tags"]["step"], metric["step_id"]) << name;
  }
}

TEST_F(ExecutorTest, StopsTheRunAtTheFirstFailureAndNamesItInEverySkippedStep) {
  plan({step("a", "fail", {}, parse(R"({"why":"out of luck"})")), step("b", "consume", {"a"}),
        step("c", "consume", {"b"}), step("d", "until_cancelled")});
  ask_all({"d", "b", "c"});
  gate->wait_for_waiters(1);
  gate->open();
  ask("a");
  EXPECT_EQ(error("a").message, "out of luck");
  for (const char* id : {"b", "c"}) {
    const Error skipped = error(id);
    EXPECT_EQ(skipped.code, Code::kCancelled);
    EXPECT_EQ(skipped.category, "runtime.dependency_failed");
    EXPECT_TRUE(skipped.detail["skipped"].as_bool());
    EXPECT_EQ(skipped.detail["cause"].as_string(), "a");
    EXPECT_THAT(sink_.event_names(id), ElementsAre("step_skipped"));
  }
  const Error stopped = error("d");
  EXPECT_EQ(stopped.code, Code::kCancelled);
  EXPECT_FALSE(stopped.detail["skipped"].as_bool());
  EXPECT_THAT(stopped.message, HasSubstr("another step failed"));
  EXPECT_EQ(finish()["steps_completed"].as_int(), 0);
}

TEST_F(ExecutorTest, SkipsStepsThatAreAskedForAfterTheFailure) {
  plan({step("a", "fail"), step("late", "produce")});
  ask("a");
  error("a");
  ask("late");
  EXPECT_EQ(error("late").detail["cause"].as_string(), "a");
}

TEST_F(ExecutorTest, ReportsAFailureUnderBothNames) {
  plan({step("a", "fail", {}, parse(R"({"why":"bad"})"))});
  ask("a");
  error("a");
  EXPECT_EQ(sink_.event("step_failed")["error"].as_string(), "bad");
  EXPECT_EQ(sink_.event("step_error")["error_type"].as_string(), "step_failed");
}

TEST_F(ExecutorTest, CancelStopsRunningStepsAndSkipsWaitingOnes) {
  plan({step("a", "until_cancelled"), step("b", "consume", {"a"})});
  ask_all({"a", "b"});
  gate->wait_for_waiters(1);
  gate->open();
  executor_->cancel("the user asked");
  EXPECT_EQ(error("a").code, Code::kCancelled);
  EXPECT_TRUE(error("b").detail["cause"].is_null());
  EXPECT_TRUE(executor_->wait_idle(std::chrono::seconds(30)));
}

TEST_F(ExecutorTest, CancelInterruptsARunningQuery) {
  plan({step("a", "endless_query")});
  ask("a");
  gate->wait_for_waiters(1);
  gate->open();
  executor_->cancel("the user asked");
  EXPECT_EQ(error("a").code, Code::kCancelled);
}

TEST_F(ExecutorTest, StopsAStepAtItsTimeoutAndSaysSo) {
  Json slow = step("a", "endless_query");
  slow.set("timeout_s", 0.05);
  plan({slow});
  gate->open();
  ask("a");
  const Error timed_out = error("a");
  EXPECT_EQ(timed_out.code, Code::kDeadline);
  EXPECT_EQ(timed_out.category, "runtime.timeout");
  EXPECT_THAT(timed_out.message, HasSubstr("0.05 s"));
}

TEST_F(ExecutorTest, LeavesAStepWithinItsTimeoutAlone) {
  Json quick = step("a", "produce");
  quick.set("timeout_s", 600);
  plan({quick});
  ask("a");
  result("a");
}

// A wall clock that is set between any two looks at it.
class SetWallClock : public Clock {
 public:
  int64_t unix_ns() const override {
    return system_clock().unix_ns() + (looks_++ % 2 ? 1 : -1) * int64_t{1000'000'000'000};
  }
  int64_t monotonic_ns() const override { return system_clock().monotonic_ns(); }

 private:
  mutable std::atomic<int> looks_{0};
};

TEST_F(ExecutorTest, AWallClockThatIsSetNeitherEndsNorSavesAStep) {
  const SetWallClock clock;
  clock_ = &clock;
  Json quick = step("a", "produce"), slow = step("b", "endless_query");
  quick.set("timeout_s", 600);
  slow.set("timeout_s", 0.05);
  plan({quick, slow});
  gate->open();
  ask("a");
  EXPECT_LT(result("a")["metrics"]["duration_ms"].as_int(), 600'000);
  ask("b");
  EXPECT_EQ(error("b").code, Code::kDeadline);
  executor_.reset();  // before its clock
}

TEST_F(ExecutorTest, RetriesAsOftenAsTheStepAllows) {
  Json flaky = step("a", "fail_twice");
  flaky.set("retry", parse(R"({"max_attempts":3,"delay_s":0})"));
  plan({flaky});
  ask("a");
  result("a");
  EXPECT_EQ(attempts, 3);
  const Json retry = sink_.event("step_retry");
  EXPECT_EQ(retry["attempt"].as_int(), 2);
  EXPECT_EQ(retry["max_attempts"].as_int(), 3);
}

TEST_F(ExecutorTest, FailsWhenTheAttemptsAreUsedUp) {
  Json flaky = step("a", "fail_twice");
  flaky.set("retry", parse(R"({"max_attempts":2,"delay_s":0})"));
  plan({flaky});
  ask("a");
  EXPECT_EQ(error("a").message, "attempt 2");
}

TEST_F(ExecutorTest, ADriverThatHasNoMemoryFailsItsStepAndNotTheWorker) {
  plan({step("a", "out_of_memory")});
  ask("a");
  EXPECT_EQ(error("a").message, "step a ran out of memory");
  EXPECT_EQ(error("a").category, "runtime.memory_exceeded");
}

TEST_F(ExecutorTest, DoesNotRetryWrongInput) {
  Json wrong = step("a", "wrong_input");
  wrong.set("retry", parse(R"({"max_attempts":5,"delay_s":0})"));
  plan({wrong});
  ask("a");
  error("a");
  EXPECT_EQ(attempts, 1);
}

TEST_F(ExecutorTest, WritesTheCleanedConfigWithoutSecretsAndWithoutMetaKeys) {
  plan({step(
      "a", "talk", {},
      parse(
          R"({"component":"talk","connection":"@db.shop","secret_key":"abc","note":"say hunter22","path":"x.csv"})"))});
  ask("a");
  result("a");
  EXPECT_EQ(cleaned_config("a"), R"({
  "note": "say ***MASKED***",
  "path": "x.csv",
  "resolved_connection": {
    "host": "h",
    "password": "***MASKED***"
  },
  "secret_key": "***MASKED***"
})");
}

TEST_F(ExecutorTest, GivesTheDriverTheSecretAndFailsWithoutOne) {
  plan({step("good", "show_connection", {}, parse(R"({"connection":"@db.shop"})"))});
  ask("good");
  EXPECT_THAT(error("good").message, HasSubstr("hunter22"));  // the record stream hides it, not the executor

  executor_.reset();
  plan({step("bad", "show_connection", {}, parse(R"({"connection":"@db.lost"})"))});
  ask("bad");
  EXPECT_EQ(error("bad").category, "connection.invalid_config");
  EXPECT_FALSE(sink_.event("connection_resolve_complete").is_null());
}

TEST_F(ExecutorTest, FailsAStepWhoseConnectionIsUnknown) {
  plan({step("a", "show_connection", {}, parse(R"({"connection":"@db.nowhere"})"))});
  ask("a");
  EXPECT_EQ(error("a").category, "connection.not_found");
}

TEST_F(ExecutorTest, LetsNoDriverForgeTheStepOfAnEventOrShowASecret) {
  plan({step("a", "talk")});
  ask("a");
  result("a");
  const Json said = sink_.event("said");
  EXPECT_EQ(said["step_id"].as_string(), "a");
  EXPECT_EQ(said["text"].as_string(), "the word is ***MASKED***");
  EXPECT_EQ(sink_.metric("made")["unit"].as_string(), "things");
  EXPECT_TRUE(sink_.event("forged").is_null());
}

TEST_F(ExecutorTest, DeclaresWrittenFilesWithTheirHash) {
  Json writer = step("a", "write_file");
  writer.set("mode", "write");
  writer.set("outputs",
             Json::array({Json::object({{"path", "out.txt"}, {"target", (directory_ / "target.txt").string()}})}));
  plan({writer});
  ask("a");
  const Json artifact = result("a")["artifacts"].items().at(0);
  EXPECT_EQ(artifact["target"].as_string(), (directory_ / "target.txt").string());
  EXPECT_EQ(artifact["size_bytes"].as_int(), 4);
  EXPECT_EQ(artifact["sha256"].as_string(), "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1");
  EXPECT_EQ(sink_.event("output_written")["path"].as_string(), "out.txt");
  EXPECT_EQ(finish()["artifacts"].size(), 1u);
}

TEST_F(ExecutorTest, CountsWrittenRowsIfThereAreAnyElseReadRows) {
  Json reader = step("r", "produce");
  reader.set("mode", "read");
  Json writer = step("w", "consume", {"r"});
  writer.set("mode", "write");
  plan({reader, writer});
  ask_all({"r", "w"});
  const Json end = finish();
  EXPECT_EQ(end["total_rows"].as_int(), 3);
  EXPECT_EQ(end["steps_executed"].as_int(), 2);
  EXPECT_EQ(end["steps_total"].as_int(), 2);
  EXPECT_EQ(sink_.metric("rows_written")["value"].as_int(), 3);
  EXPECT_EQ(sink_.event("cleanup_complete")["total_rows"].as_int(), 3);
}

TEST_F(ExecutorTest, AnswersAStepAskedForTwiceAndOneItDoesNotKnow) {
  plan({step("a", "produce")});
  ask("a");
  result("a");
  std::promise<RequestResult> twice, unknown;
  executor_->execute("a", [&](RequestResult outcome) { twice.set_value(std::move(outcome)); });
  executor_->execute("x", [&](RequestResult outcome) { unknown.set_value(std::move(outcome)); });
  EXPECT_EQ(std::get<Error>(twice.get_future().get()).code, Code::kInvalidState);
  EXPECT_EQ(std::get<Error>(unknown.get_future().get()).code, Code::kNotFound);
}

TEST_F(ExecutorTest, FailsAStepWhoseDriverIsMissing) {
  plan({step("a", "supabase.writer")});
  ask("a");
  EXPECT_EQ(error("a").code, Code::kUnsupported);
  EXPECT_THAT(error("a").message, HasSubstr("supabase.writer"));
}

TEST_F(ExecutorTest, GivesNoRowsOfAStepThatHasNone) {
  plan({step("w", "consume"), step("b", "consume", {"w"})});
  ask_all({"w", "b"});
  EXPECT_EQ(result("b")["metrics"]["rows_written"].as_int(), 0);
  EXPECT_THAT(sink_.event_names("b"), Not(::testing::Contains("inputs_resolved")));
}

TEST_F(ExecutorTest, KeepsAnOutputForTheReadersOfThePlanAndFreesItThen) {
  plan({step("a", "produce"), step("b", "count_input", {"a"})});
  ask("a");
  result("a");
  std::promise<bool> before, after;
  executor_->get_relation("a", [&](auto relation) { before.set_value(relation.ok()); });
  EXPECT_TRUE(before.get_future().get());
  ask("b");
  result("b");
  EXPECT_TRUE(executor_->wait_idle(std::chrono::seconds(30)));
  executor_->get_relation("a", [&](auto relation) { after.set_value(relation.ok()); });
  EXPECT_FALSE(after.get_future().get());
}

TEST_F(ExecutorTest, TakesARelationInPlaceOfAStep) {
  plan({step("a", "produce"), step("b", "count_input", {"a"})});
  ask("b");
  StepDatabase elsewhere(executor_->run().database, "a", {});
  ASSERT_TRUE(elsewhere.run_confined("SELECT 1 AS i UNION ALL SELECT 2").ok());
  EXPECT_TRUE(executor_->put_relation("a", *elsewhere.take_output()).ok());
  EXPECT_EQ(result("b")["metrics"]["rows_read"].as_int(), 2);
  EXPECT_FALSE(executor_->put_relation("a", nullptr).ok());
}

TEST_F(ExecutorTest, RunsAStepThatBringsAllItNeedsAsTheSeedHasIt) {
  plan({});
  auto whole = plan_step_from_json(parse(R"({"step_id":"extract","driver":"produce","config":{"rows":7}})"));
  ASSERT_TRUE(whole.ok());
  std::promise<RequestResult> promise;
  executor_->execute(*whole, [&](RequestResult outcome) { promise.set_value(std::move(outcome)); });
  const Json answer = std::get<Json>(promise.get_future().get());
  EXPECT_EQ(answer["outputs"]["df"].as_string(), "df_extract");
  EXPECT_EQ(answer["metrics"]["rows_read"].as_int(), 7);
}

TEST_F(ExecutorTest, RunsAThousandStepsOfAChain) {
  std::vector<Json> steps = {step("s0", "consume")};
  for (int i = 1; i < 1000; ++i)
    steps.push_back(step("s" + std::to_string(i), "consume", {"s" + std::to_string(i - 1)}));
  plan(steps);
  for (int i = 999; i >= 0; --i) ask("s" + std::to_string(i));
  EXPECT_EQ(finish()["steps_completed"].as_int(), 1000);
}

}  // namespace
}  // namespace osiris::worker
