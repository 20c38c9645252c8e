// What the host makes of an adapter's word on costs.
#include "host/run/run_cost.h"

#include <gtest/gtest.h>

#include "host/run/status.h"
#include "protocol/base/categories.h"

namespace osiris {
namespace {

Json told() {
  return Json::object({{"currency", "USD"},
                       {"prices", "the service's prices of 2025-12"},
                       {"spent", 0.002},
                       {"per_second", 0.001},
                       {"at_most", 0.0045},
                       {"machine_seconds", 3}});
}

TEST(RunCost, GrowsBetweenTwoWordsOfTheAdapterAndNotBeyondTheMost) {
  const RunCost cost{told(), 5'000'000'000};
  EXPECT_DOUBLE_EQ(*cost.spent(5'000'000'000), 0.002);
  EXPECT_DOUBLE_EQ(*cost.spent(7'000'000'000), 0.004);
  EXPECT_DOUBLE_EQ(*cost.spent(3'600'000'000'000), 0.0045);
  EXPECT_DOUBLE_EQ(*cost.spent(0), 0.002) << "a clock that stands still";
  EXPECT_EQ(live_cost_text(cost, 7'000'000'000), "$0.0040 so far, by the service's prices of 2025-12");
  RunCost capped = cost;
  capped.document.set("cap", 2);
  EXPECT_EQ(live_cost_text(capped, 7'000'000'000),
            "$0.0040 so far of at most $2.00, by the service's prices of 2025-12");
}

TEST(RunCost, IsSaidWithWhoseTableItIs) {
  Json document = told();
  EXPECT_EQ(
      cost_text(document),
      "about $0.0020 for 3 s of machines, $0.0045 at most once all is over, by the service's prices of 2025-12: a "
      "table of prices, not an invoice");
  document.set("at_most", 0.002);
  EXPECT_EQ(cost_text(document),
            "about $0.0020 for 3 s of machines, by the service's prices of 2025-12: a table of prices, not an invoice");
}

TEST(RunCost, OfNoPriceIsNothing) {
  for (const char* document : {"null", "{}", R"({"spent":"much"})", "[]"}) {
    EXPECT_EQ(cost_text(*parse_json(document)), "") << document;
    EXPECT_EQ(live_cost_text({*parse_json(document), 0}, 1), "") << document;
  }
  EXPECT_EQ(cost_of(RunRecord()), "");
}

RunRecord record(const std::string& pipeline, const std::string& status, Json cost) {
  RunRecord record;
  record.pipeline_slug = pipeline;
  record.profile = "dev";
  record.runtime_env = "far";
  record.status = status;
  record.duration_ms = 7'500;
  if (!cost.is_null()) record.extra.set("cost", std::move(cost));
  return record;
}

TEST(RunHistory, IsOfThisPipelinesRunsThatEndedWell) {
  std::vector<RunRecord> records = {record("p", "success", {}), record("q", "success", told()),
                                    record("p", "failed", told()), record("p", "success", told())};
  EXPECT_EQ(run_history(records, "p", "dev", "far").dump(), R"({"machine_seconds":[3.0,7.5]})");
  EXPECT_EQ(run_history(records, "p", "prod", "far").dump(), R"({"machine_seconds":[]})");
  EXPECT_EQ(run_history(records, "p", "dev", "near").dump(), R"({"machine_seconds":[]})");
  for (int i = 0; i < 50; ++i) records.push_back(record("p", "success", told()));
  EXPECT_EQ(run_history(records, "p", "dev", "far")["machine_seconds"].size(), 20u);
  EXPECT_EQ(cost_of(records.back()), "$0.0020");
}

TEST(Verdict, OfARunThatCameToItsBudgetIsADeadlineWithItsReason) {
  RunProofs proofs;
  proofs.error = Error(Code::kDeadline, "the money is gone", "", category::kRuntimeBudget);
  proofs.error_source = ErrorSource::kRun;
  const RunVerdict verdict = decide_verdict(proofs);
  EXPECT_EQ(verdict.exit_code, ExitCode::kDeadline);
  EXPECT_EQ(verdict.reason, "budget");
  proofs.error->category = category::kRuntimeTimeout;
  EXPECT_EQ(decide_verdict(proofs).reason, "deadline");
  proofs.error = Error(Code::kInvalidArgument, "too low", "", category::kRuntimeBudget);
  proofs.error_source = ErrorSource::kInput;
  EXPECT_EQ(decide_verdict(proofs).reason, "execution_failed") << "refused, and nothing was run";
  EXPECT_EQ(decide_verdict(proofs).exit_code, ExitCode::kInput);
}

}  // namespace
}  // namespace osiris
