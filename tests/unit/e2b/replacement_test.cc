#include "plugins/sdk/place/replacement.h"

#include <gtest/gtest.h>

#include "plugins/e2b/api/failure.h"
#include "tests/unit/e2b/e2b_service.h"

namespace osiris::e2b {
namespace {

using namespace std::chrono_literals;

sdk::RunRequest request_with(const std::string& component) {
  sdk::RunRequest request;
  PlanStep& step = request.plan.steps.emplace_back();
  step.id = "out";
  step.mode = StepMode::kWrite;
  step.component = component;
  return request;
}

Error refused(int status, http::Headers headers = {}) {
  http::ExchangeResult outcome;
  outcome.response.emplace();
  outcome.response->status = status;
  outcome.response->headers = std::move(headers);
  return failure_from(outcome, "upload files");
}

constexpr std::string_view kHint = "Split the pipeline, or use a plan with longer sandboxes.";

// One run whose attempts fail.
struct FailingRun {
  sdk::Replacement replacement{e2b_service(), kHint, 30s};
  sdk::RunRequest request = request_with("filesystem.csv_writer");
  sdk::RunOutcome outcome;
  bool is_gone = false;
  bool was_kept = false;
  std::optional<sdk::Lifetime::Limit> limit = {};

  FailingRun() {
    outcome.result = Json::object({{"steps", Json::array({Json::object({{"id", "out"}, {"status", "running"}})})}});
  }
  sdk::Replacement::Decision untouched(const Error& failure) { return decide(failure, nullptr); }
  sdk::Replacement::Decision opened(const Error& failure) { return decide(failure, &outcome); }
  sdk::Replacement::Decision decide(const Error& failure, const sdk::RunOutcome* ended) {
    return replacement.decide(
        {request, failure, ended, "i1", was_kept, [this] { return is_gone; }, [this] { return limit; }});
  }
};

const Error kLost = make_failure(FailureClass::kSandboxError, "its stream ended", "");

TEST(Replacement, BeforeTheOpeningWhatMayPassIsTriedInAFreshSandboxAgainAndAgain) {
  FailingRun run;
  for (int i = 2; i < 6; ++i) {
    EXPECT_TRUE(run.untouched(refused(502)).anew);
    EXPECT_EQ(run.replacement.attempts(), i);
  }
  EXPECT_GT(run.untouched(refused(503)).wait, 1s) << "the waits grow";
}

TEST(Replacement, ARefusalBeforeTheOpeningIsNotTriedAgain) {
  for (const int status : {400, 401, 403, 404, 507}) {
    FailingRun run;
    EXPECT_FALSE(run.untouched(refused(status)).anew) << status;
  }
  FailingRun run;
  EXPECT_FALSE(run.untouched(refused(503, {{"Should-Retry", "false"}})).anew);
}

TEST(Replacement, ServicesThatAskForMoreTimeThanThereIsAreNotWaitedFor) {
  FailingRun run;
  EXPECT_FALSE(run.untouched(refused(503, {{"Retry-After", "3600"}})).anew);
  EXPECT_GE(run.untouched(refused(503, {{"Retry-After", "5"}})).wait, 5s);
}

TEST(Replacement, WithoutARetryBudgetNothingIsTriedAgain) {
  FailingRun run;
  sdk::Replacement none(e2b_service(), kHint, 0s);
  const auto decision =
      none.decide({run.request, refused(502), nullptr, "i1", false, [] { return false; }, [] { return std::nullopt; }});
  EXPECT_FALSE(decision.anew);
  EXPECT_EQ(http_status_of(decision.failure), 502);
}

TEST(Replacement, AfterTheOpeningARefusalEndsTheRun) {
  FailingRun run;
  EXPECT_FALSE(run.opened(refused(502)).anew);
}

TEST(Replacement, AVanishedSandboxIsReplacedOnce) {
  FailingRun run;
  run.is_gone = true;
  EXPECT_TRUE(run.opened(kLost).anew);
  const auto second = run.opened(kLost);
  EXPECT_FALSE(second.anew);
  EXPECT_NE(second.failure.message.find("sandbox i1 is gone"), std::string::npos) << second.failure.message;
  EXPECT_EQ(detail_of(second.failure, "attempts").as_int(), 2);
}

TEST(Replacement, TroubleBeforeTheOpeningDoesNotUseThatUp) {
  FailingRun run;
  EXPECT_TRUE(run.untouched(refused(502)).anew);
  run.is_gone = true;
  EXPECT_TRUE(run.opened(kLost).anew);
}

TEST(Replacement, AStepThatActedOutsideIsNotRepeated) {
  FailingRun run;
  run.request = request_with("supabase.writer");
  run.is_gone = true;
  const auto decision = run.opened(kLost);
  EXPECT_FALSE(decision.anew);
  EXPECT_NE(decision.failure.message.find("already written to by: out"), std::string::npos) << decision.failure.message;
}

TEST(Replacement, ASandboxThatCameToItsPlansLimitIsNeverReplaced) {
  FailingRun run;
  run.is_gone = true;
  run.limit = sdk::Lifetime::Limit{3600, 0, 0};
  const auto decision = run.opened(kLost);
  EXPECT_FALSE(decision.anew);
  EXPECT_EQ(failure_class_of(decision.failure), FailureClass::kQuotaExceeded);
  EXPECT_NE(decision.failure.message.find("the life that the plan allows, 1 h"), std::string::npos)
      << decision.failure.message;
  EXPECT_NE(decision.failure.hint.find("plan with longer sandboxes"), std::string::npos);
}

TEST(Replacement, ALimitIsNoExcuseForASandboxThatLives) {
  FailingRun run;
  run.limit = sdk::Lifetime::Limit{3600, 0, 0};
  EXPECT_EQ(run.opened(kLost).failure.message, kLost.message);
}

TEST(Replacement, AStaleKeptSandboxIsReplacedOnce) {
  FailingRun run;
  run.was_kept = true;
  Error not_prepared(Code::kUnavailable, "the worker could not prepare the run");
  not_prepared.detail = Json::object({{"method", "prepare"}});
  run.outcome.status = not_prepared;
  EXPECT_TRUE(run.opened(kLost).anew);
  EXPECT_FALSE(run.opened(kLost).anew);
}

TEST(Replacement, FailedStepsCancelsAndDeadlinesAreNoReason) {
  for (const Code code : {Code::kStepFailed, Code::kCancelled, Code::kDeadline}) {
    FailingRun run;
    run.is_gone = true;
    EXPECT_FALSE(run.opened(Error(code, "x")).anew);
  }
}

}  // namespace
}  // namespace osiris::e2b
