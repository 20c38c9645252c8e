// Runs cases, each in a process of its own, several at once, and judges by the verdict, the way the process ended and
// the time it took.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "check/bench/bench.h"
#include "check/case.h"

namespace osiris::check {

enum class Outcome { kPassed, kFailed, kSkipped };
std::string_view outcome_name(Outcome outcome);  // "passed", "failed", "skipped"

struct CaseResult {
  std::string id, promise;
  Outcome outcome = Outcome::kFailed;
  std::vector<std::string> reasons;  // of a failure; of a skipped case, one
  std::vector<std::string> notes;
  int64_t duration_ms = 0;
};

struct RunPlan {
  Task task;  // without a case and a directory
  std::vector<const Case*> cases;
  unsigned jobs = 1;
  std::function<void(const CaseResult&)> at_result;  // one at a time
};

struct RunResults {
  Json description;                 // describe.h
  std::vector<CaseResult> results;  // in the order of the plan
  int64_t duration_ms = 0;
  size_t count(Outcome outcome) const;
};

// The error: this machine cannot run processes or has no room for their files.
Result<RunResults> run_cases(const RunPlan& plan);

}  // namespace osiris::check
