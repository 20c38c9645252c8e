// The five-proof rule, each proof missing in turn; and what belongs to it: resources and the tally.
#include "host/run/status.h"

#include <gtest/gtest.h>

#include "host/run/report.h"
#include "host/run/resources.h"
#include "host/run/step_tally.h"

namespace osiris {
namespace {

RunProofs good() {
  RunProofs proofs;
  proofs.adapter = "local";
  proofs.session_path = "local";
  proofs.steps_total = proofs.steps_completed = 3;
  return proofs;
}

TEST(Status, IsOkWithAllFiveProofs) {
  const RunVerdict verdict = decide_verdict(good());
  EXPECT_TRUE(verdict.ok);
  EXPECT_EQ(verdict.exit_code, ExitCode::kOk);
  EXPECT_EQ(
      status_document(good(), verdict).dump(),
      R"({"sandbox_id":"local","exit_code":0,"steps_completed":3,"steps_total":3,"ok":true,"session_path":"local",)"
      R"("session_copied":true,"events_jsonl_exists":true,"reason":""})");
}

TEST(Status, IsNotOkWhenAStepWasNeverSeenToComplete) {
  RunProofs proofs = good();
  proofs.steps_completed = 2;
  EXPECT_FALSE(decide_verdict(proofs).ok);
  EXPECT_EQ(decide_verdict(proofs).reason, "incomplete_steps");
  EXPECT_EQ(decide_verdict(proofs).exit_code, ExitCode::kAdapterFailed);
}

TEST(Status, IsNotOkWhenAnOutputIsNotProved) {
  RunProofs proofs = good();
  proofs.outputs_error = Error(Code::kInternal, "nothing is at /w/out.csv");
  EXPECT_FALSE(decide_verdict(proofs).ok);
  EXPECT_EQ(decide_verdict(proofs).reason, "missing_outputs");
  EXPECT_EQ(decide_verdict(proofs).exit_code, ExitCode::kAdapterFailed);
}

TEST(Status, IsNotOkWhenEventsAreMissing) {
  RunProofs proofs = good();
  proofs.events_complete = false;
  EXPECT_EQ(decide_verdict(proofs).reason, "missing_events_jsonl");
}

TEST(Status, IsNotOkAfterAnErrorAndSaysWhoseFaultItWas) {
  const auto verdict = [](Code code) {
    RunProofs proofs = good();
    proofs.error = Error(code, "x");
    return decide_verdict(proofs);
  };
  EXPECT_EQ(verdict(Code::kStepFailed).exit_code, ExitCode::kStepFailed);
  EXPECT_EQ(verdict(Code::kStepFailed).reason, "execution_failed");
  EXPECT_EQ(verdict(Code::kUnavailable).exit_code, ExitCode::kAdapterFailed);
  EXPECT_EQ(verdict(Code::kInvalidArgument).exit_code, ExitCode::kInput);
  EXPECT_EQ(verdict(Code::kCancelled).exit_code, ExitCode::kCancelled);
  EXPECT_EQ(verdict(Code::kCancelled).reason, "cancelled");
  EXPECT_EQ(verdict(Code::kDeadline).reason, "deadline");
  EXPECT_EQ(outcome_name(verdict(Code::kDeadline).exit_code), "deadline");
  EXPECT_EQ(outcome_text(verdict(Code::kDeadline).exit_code), "timed out");
  EXPECT_EQ(outcome_text(verdict(Code::kCancelled).exit_code), "cancelled");
}

TEST(RemoteResources, NameWhatWasNotReleased) {
  RemoteResources resources;
  EXPECT_FALSE(resources.on_event("step_start", Json::object()));
  resources.on_event("resource_acquired", Json::object({{"kind", "sandbox"}, {"id", "i1"}, {"expires", "12:00"}}));
  resources.on_event("resource_acquired", Json::object({{"kind", "sandbox"}, {"id", "i2"}}));
  resources.on_event("resource_released", Json::object({{"kind", "sandbox"}, {"id", "i2"}, {"verified", Json(true)}}));
  ASSERT_EQ(resources.unreleased().size(), 1u);
  EXPECT_EQ(resources.first_id("sandbox"), "i1");
  EXPECT_EQ(describe_unreleased(resources.unreleased(), "e2b"),
            "not released: sandbox i1 (expires 12:00); to release it: osiris resources release --adapter e2b --kind "
            "sandbox i1\n");
}

TEST(RemoteResources, KeepNamingWhatWasReleasedWithoutProof) {
  RemoteResources resources;
  resources.on_event("resource_acquired",
                     Json::object({{"kind", "sandbox"}, {"id", "i1"}, {"cleanup", "kill it by hand"}}));
  resources.on_event("resource_released", Json::object({{"kind", "sandbox"}, {"id", "i1"}, {"verified", Json(false)}}));
  EXPECT_EQ(describe_unreleased(resources.unreleased(), "e2b"), "not released: sandbox i1; kill it by hand\n");
}

class StepTallyTest : public testing::Test {
 protected:
  StepTallyTest() {
    tally_.plan({{"read", "csv", "extract"}, {"sql", "duckdb", "transform"}, {"write", "csv", "write"}});
  }
  ManualClock clock_;
  StepTally tally_{clock_};
};

TEST_F(StepTallyTest, CountsWrittenRowsAndNotReadOnesWhenBothExist) {
  tally_.on_metric("rows_read", "read", 7);
  tally_.on_metric("rows_read", "sql", 7);
  EXPECT_EQ(tally_.total_rows(), 7u);
  tally_.on_metric("rows_written", "write", 3);
  EXPECT_EQ(tally_.total_rows(), 3u);
}

// What a step is for decides which of its counts is shown.
TEST(StepStates, ShowTheRowsThatTheirStepIsFor) {
  StepState step;
  step.phase = StepPhase::kComplete;
  step.rows_read = 1;
  step.rows_out = 2;
  step.rows_written = 3;
  for (const auto& [mode, rows] : {std::pair<const char*, uint64_t>{"write", 3}, {"transform", 2}, {"extract", 3}}) {
    step.plan.mode = mode;
    EXPECT_EQ(step.rows(), rows) << mode;
  }
  step.phase = StepPhase::kRunning;
  step.plan.mode = "transform";
  EXPECT_EQ(step.rows(), 2u);
}

TEST_F(StepTallyTest, KeepsWhatAStepTookOfItsSourceAndHowRowsWereCompared) {
  tally_.on_metric("source_transaction", "read", 1.25);
  tally_.on_metric("source_connections", "read", 4);
  tally_.on_metric("source_bytes", "read", 1000);
  tally_.on_event("rows_verified", "write", Json::object({{"table", "t"}, {"rows", 3}, {"by", "count"}}));
  RunReport report;
  report.steps = tally_.steps();
  const Masking masking;
  const Json steps = summary_document(report, masking)["steps"];
  EXPECT_EQ(steps.items()[0]["source"].dump(), R"({"longest_transaction_ms":1250,"connections":4,"bytes":1000})");
  EXPECT_TRUE(steps.items()[1]["source"].is_null());
  EXPECT_EQ(steps.items()[2]["verified"].dump(), R"({"table":"t","rows":3,"by":"count"})");
  const std::string card = run_card(report, masking);
  EXPECT_NE(card.find("| read | 1250 | 4 | 1000 |"), std::string::npos) << card;
  EXPECT_NE(card.find("| write | t | 3 | count | – |"), std::string::npos) << card;
}

TEST_F(StepTallyTest, PrefersWhatTheWorkerCounted) {
  tally_.on_metric("rows_written", "write", 3);
  tally_.on_event("cleanup_complete", "", Json::object({{"total_rows", 4}}));
  EXPECT_EQ(tally_.total_rows(), 4u);
}

TEST_F(StepTallyTest, FollowsAStepFromStartToEnd) {
  tally_.on_event("step_start", "read", Json::object({{"driver", "csv"}}));
  clock_.advance(std::chrono::seconds(2));
  EXPECT_EQ(tally_.steps()[0].phase, StepPhase::kRunning);
  EXPECT_EQ(tally_.completed(), 0u);
  tally_.on_event("step_complete", "read", Json::object({{"rows_processed", 5}}));
  EXPECT_EQ(tally_.steps()[0].phase, StepPhase::kComplete);
  EXPECT_DOUBLE_EQ(tally_.steps()[0].duration_s, 2.0);
  EXPECT_EQ(tally_.steps()[0].rows(), 5u);
  EXPECT_EQ(tally_.completed(), 1u);
}

TEST_F(StepTallyTest, NamesTheStepThatFailedAndNotItsCancelledNeighbour) {
  tally_.on_event("step_failed", "read", Json::object({{"error", "cancelled"}, {"error_type", "cancelled"}}));
  tally_.on_event("step_failed", "sql", Json::object({{"error", "bad SQL"}, {"error_type", "step_failed"}}));
  tally_.on_event("step_skipped", "write", Json::object({{"cause", "sql"}}));
  ASSERT_TRUE(tally_.first_failure());
  EXPECT_EQ(tally_.first_failure()->plan.id, "sql");
  EXPECT_EQ(tally_.steps()[2].cause, "sql");
}

TEST_F(StepTallyTest, CountsTheRowsOfTheLastAttemptOnly) {
  tally_.on_event("step_start", "read", Json::object());
  tally_.on_progress("read", {.rows = 500});
  tally_.on_event("step_retry", "read", Json::object({{"attempt", 1}}));
  tally_.on_progress("read", {.rows = 20});
  EXPECT_EQ(tally_.steps()[0].rows(), 20u);
  EXPECT_EQ(tally_.steps()[0].attempt, 2);
}

TEST_F(StepTallyTest, KeepsAStepThePlanDoesNotKnow) {
  tally_.on_event("step_complete", "surprise", Json::object());
  EXPECT_EQ(tally_.total(), 4u);
}

}  // namespace
}  // namespace osiris
