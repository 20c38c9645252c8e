// The run loop against a real process that speaks the protocol and misbehaves by script (scripted_worker.cc).
#include "plugins/sdk/run/run_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>

#include "protocol/base/file.h"
#include "tests/unit/sdk/run_loop_fixture.h"

namespace osiris::sdk {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(RunLoopTest, ARunOfThreeStepsSucceeds) {
  const RunOutcome outcome = run("good");
  ASSERT_TRUE(outcome.status.ok()) << outcome.status.error().message;
  EXPECT_EQ(outcome.result["status"].as_string(), "success");
  EXPECT_EQ(outcome.result["total_rows"].as_int(), 30);
  EXPECT_EQ(outcome.result["worker"]["version"].as_string(), "1.2.3");
  EXPECT_EQ(status_of(outcome, 2), "success");
  EXPECT_EQ(recording_.events("step_complete").size(), 3u);
  EXPECT_EQ(recording_.events("worker_started").at(0).data["pid"].as_int(), pid_);
  EXPECT_EQ(recording_.metrics().at(0).name, "rows_read");
  EXPECT_EQ(recording_.metrics().at(0).unit, "rows");
  EXPECT_EQ(recording_.metrics().at(0).step_id, "a");
  EXPECT_TRUE(is_gone());
}

TEST_F(RunLoopTest, EverythingMayBeSentBeforeTheWorkerSaysHello) {
  options_.open_after_hello = false;
  EXPECT_TRUE(run("good").status.ok());
}

TEST_F(RunLoopTest, EventsLoseTheirNameAndStepToTheAbisOwnFields) {
  run("good");
  const auto event = recording_.events("step_complete").at(1);
  EXPECT_EQ(event.step_id, "b");
  EXPECT_EQ(event.data.dump(), "{\"number\":2}");
}

TEST_F(RunLoopTest, AFailedStepIsThePipelinesFailureAndNamesItself) {
  const RunOutcome outcome = run("fail");
  ASSERT_FALSE(outcome.status.ok());
  EXPECT_EQ(outcome.status.error().code, Code::kStepFailed);
  EXPECT_EQ(outcome.status.error().message, "step b: no such table: t");
  EXPECT_EQ(outcome.status.error().hint, "create it");
  EXPECT_EQ(outcome.detail("step_id").as_string(), "b");
  EXPECT_EQ(outcome.result["status"].as_string(), "failed");
  EXPECT_EQ(status_of(outcome, 0), "success");
  EXPECT_EQ(status_of(outcome, 1), "failed");
  EXPECT_EQ(status_of(outcome, 2), "skipped");
  EXPECT_EQ(outcome.result["steps"].items()[1]["error"]["category"].as_string(), "extract.query_failed");
}

TEST_F(RunLoopTest, AFailureThatNamesItsStepIsNotNamedTwice) {
  EXPECT_EQ(run("fail by name").status.error().message, "Step b: no such table: t");
}

TEST_F(RunLoopTest, GarbageBetweenRecordsCostsLogLinesOnly) {
  EXPECT_TRUE(run("garbage").status.ok());
  EXPECT_EQ(recording_.events("step_complete").size(), 3u);
  EXPECT_TRUE(recording_.logged("not of its protocol"));
  EXPECT_LT(recording_.logs().size(), 30u) << "a flood of garbage must not flood the log";
}

TEST_F(RunLoopTest, RecordsThatComeByteByByteAreWhole) { EXPECT_TRUE(run("trickle").status.ok()); }

TEST_F(RunLoopTest, RecordsThatComeTwiceAreTakenOnce) {
  EXPECT_TRUE(run("doubles").status.ok());
  EXPECT_EQ(recording_.events("step_start").size(), 3u);
}

TEST_F(RunLoopTest, MissingRecordsAreAskedForAgainAndArriveInOrder) {
  const RunOutcome outcome = run("hole");
  EXPECT_TRUE(outcome.status.ok()) << outcome.status.error().message;
  const auto events = recording_.events("step_start");
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].step_id, "a");
}

TEST_F(RunLoopTest, RecordsThatCannotBeRepeatedEndTheRun) {
  const RunOutcome outcome = run("hole-forever");
  ASSERT_FALSE(outcome.status.ok());
  EXPECT_EQ(outcome.status.error().message, "the worker cannot repeat record 3 that got lost");
  EXPECT_TRUE(recording_.events("step_complete").empty()) << "nothing from beyond the hole may be taken";
}

TEST_F(RunLoopTest, AHundredThousandEventsArriveWithFlatMemory) {
  recording_.count_only = "flooded";
  rusage before{};
  ::getrusage(RUSAGE_SELF, &before);
  const RunOutcome outcome = run("flood");
  rusage after{};
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_TRUE(outcome.status.ok());
  EXPECT_EQ(recording_.counted(), 105'000u);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, test::kGrowthKibMax)
      << "KiB; the events are about 20 MiB of text, their JSON far more";
}

TEST_F(RunLoopTest, AWorkerKilledBySignal9IsNoticedAtOnceWithItsLastWords) {
  const RunOutcome outcome = run("die");
  ASSERT_FALSE(outcome.status.ok());
  EXPECT_EQ(outcome.status.error().code, Code::kUnavailable);
  EXPECT_EQ(outcome.status.error().message,
            "the worker w was killed by signal 9 (SIGKILL) while it ran b; its last words: about to die");
  EXPECT_EQ(outcome.detail("class").as_string(), "WorkerCrash");
  EXPECT_EQ(outcome.detail("signal").as_int(), 9);
  EXPECT_EQ(outcome.detail("running_steps").dump(), "[\"b\"]");
  EXPECT_EQ(status_of(outcome, 0), "success");
  EXPECT_EQ(status_of(outcome, 1), "failed");
  EXPECT_EQ(status_of(outcome, 2), "skipped");
}

TEST_F(RunLoopTest, AWorkerThatExitsInAStepIsNoticedWithItsStatusAndLog) {
  const RunOutcome outcome = run("exit");
  ASSERT_FALSE(outcome.status.ok());
  EXPECT_EQ(outcome.status.error().message,
            "the worker w exited with status 7 while it ran b; its last words: first line | last line without its end");
  EXPECT_EQ(outcome.detail("exit_status").as_int(), 7);
  EXPECT_TRUE(recording_.logged("worker: last line without its end"));
}

TEST_F(RunLoopTest, ADeadWorkersChildIsKilledAndNotWaitedFor) {
  EXPECT_FALSE(run("child").status.ok());
  EXPECT_TRUE(is_gone());
}

TEST_F(RunLoopTest, AStrangerIsRefusedWithWhatItSaid) {
  const RunOutcome outcome = run("stranger");
  ASSERT_FALSE(outcome.status.ok());
  EXPECT_EQ(outcome.status.error().code, Code::kUnsupported);
  EXPECT_EQ(outcome.status.error().message,
            "the worker w exited with status 3 before it said hello; its last words: I am no worker");
}

TEST_F(RunLoopTest, AWorkerThatNeverSaysHelloIsGivenUp) {
  options_.hello_timeout_ms = 50;
  options_.silence_ms = 20;
  const RunOutcome outcome = run("silent");
  ASSERT_FALSE(outcome.status.ok());
  EXPECT_THAT(outcome.status.error().message, HasSubstr("did not say hello"));
  EXPECT_TRUE(is_gone());
}

TEST_F(RunLoopTest, AProgramThatTalksForEverAndSaysNoHelloIsGivenUp) {
  options_.hello_timeout_ms = 50;
  const RunOutcome outcome = run("babble");
  ASSERT_FALSE(outcome.status.ok());
  EXPECT_THAT(outcome.status.error().message, HasSubstr("did not say hello"));
  EXPECT_LT(recording_.logs().size(), 30u);
  EXPECT_TRUE(is_gone());
}

TEST_F(RunLoopTest, AnotherVersionIsRefusedNamingBoth) {
  const RunOutcome outcome = run("version");
  ASSERT_FALSE(outcome.status.ok());
  EXPECT_EQ(outcome.status.error().code, Code::kUnsupported);
  EXPECT_EQ(outcome.status.error().message, "the worker w has version 9.9.9, this osiris needs 1.2.3");
}

TEST_F(RunLoopTest, AnotherProtocolIsRefusedNamingBoth) {
  const RunOutcome outcome = run("protocol");
  ASSERT_FALSE(outcome.status.ok());
  EXPECT_EQ(outcome.status.error().message, "the worker w speaks worker protocol 2, this adapter speaks 1");
}

TEST_F(RunLoopTest, OtherComponentSpecsAreRefused) {
  opening_.prepare.specs_sha256 = std::string(64, 'b');
  const RunOutcome outcome = run("good");
  ASSERT_FALSE(outcome.status.ok());
  EXPECT_THAT(outcome.status.error().message, HasSubstr("other component specs"));
}

TEST_F(RunLoopTest, TheSameComponentSpecsAreAccepted) {
  opening_.prepare.specs_sha256 = std::string(64, 'a');
  EXPECT_TRUE(run("good").status.ok());
}

TEST_F(RunLoopTest, AnErrorOfPrepareIsTheRunsError) {
  const RunOutcome outcome = run("prepare-error");
  ASSERT_FALSE(outcome.status.ok());
  EXPECT_EQ(outcome.status.error().code, Code::kUnsupported);
  EXPECT_THAT(outcome.status.error().message, HasSubstr("no driver \"x.extractor\""));
}

TEST_F(RunLoopTest, AFatalRecordIsTheRunsError) {
  const RunOutcome outcome = run("fatal");
  ASSERT_FALSE(outcome.status.ok());
  EXPECT_EQ(outcome.status.error().code, Code::kExhausted);
  EXPECT_THAT(outcome.status.error().message, HasSubstr("no space left for spilling"));
}

TEST_F(RunLoopTest, AWorkerThatDoesNotExitIsKilledAndTheRunStaysGood) {
  options_.shutdown_ms = 20;
  EXPECT_TRUE(run("linger").status.ok());
  EXPECT_TRUE(is_gone());
}

TEST_F(RunLoopTest, ASecretWithoutAValueIsTheUsersError) {
  opening_.secret_names = {"connection/mysql.shop/password"};
  const RunOutcome outcome = run("good");
  ASSERT_FALSE(outcome.status.ok());
  EXPECT_EQ(outcome.status.error().code, Code::kInvalidArgument);
  EXPECT_THAT(outcome.status.error().message, HasSubstr("connection/mysql.shop/password"));
}

TEST_F(RunLoopTest, SecretsReachTheWorkerAndNoWireLog) {
  const std::string path = testing::TempDir() + "/rpc_" + std::to_string(::getpid()) + ".log";
  std::filesystem::remove(path);
  ASSERT_TRUE(wire_log_.open(path).ok());
  recording_.secrets = {{"connection/mysql.shop/password", "c4n\"ary-pass"}, {"env/TOKEN", "t0ken-canary"}};
  opening_.secret_names = {"connection/mysql.shop/password"};
  opening_.environment.pass = {"TOKEN"};
  EXPECT_TRUE(run("leak").status.ok());
  EXPECT_EQ(recording_.events("leaked").at(0).data["value"].as_string(), "c4n\"ary-pass") << "it did arrive";
  const std::string log = *read_file(path);
  EXPECT_THAT(log, HasSubstr(" > {\"id\":\"req_1\",\"method\":\"prepare\""));
  EXPECT_THAT(log, HasSubstr("\"env\":{\"TOKEN\":\"***MASKED***\"}"));
  EXPECT_THAT(log, HasSubstr(" < {\"type\":\"hello\""));
  EXPECT_THAT(log, HasSubstr(" ! secret "));
  EXPECT_THAT(log, Not(HasSubstr("ary-pass")));
  EXPECT_THAT(log, Not(HasSubstr("t0ken-canary")));
  std::filesystem::remove(path);
}

// What is held far away, and what it costs to give it back, a worker cannot know.
TEST_F(RunLoopTest, EventsThatAreTheAdaptersOwnAreNotTakenFromAWorker) {
  EXPECT_TRUE(run("usurp").status.ok());
  for (const char* name :
       {"resource_acquired", "resource_released", "sandbox_created", "run_end", "artifacts_collected"})
    EXPECT_EQ(recording_.events(name).size(), 0u) << name;
  EXPECT_EQ(recording_.events("worker_started").size(), 1u) << "the loop's own";
  EXPECT_EQ(recording_.events("step_complete").size(), 3u) << "the rest arrives";
  EXPECT_TRUE(recording_.logged("only adapters send"));
}

}  // namespace
}  // namespace osiris::sdk
