#include "plugins/sdk/place/replacement.h"

#include <algorithm>

#include "protocol/base/quantity.h"
#include "protocol/base/text.h"

namespace osiris::sdk {
namespace {

using std::chrono::steady_clock;

bool is_own(const Error& error) {
  return error.code != Code::kCancelled && error.code != Code::kDeadline && error.code != Code::kStepFailed;
}

bool has_class(const Error& error) { return !error.detail["class"].is_null(); }

// Whatever the run loop found wrong with a worker that neither died nor vanished is still the worker's.
Error with_class(Error error) {
  if (!is_own(error) || has_class(error)) return error;
  error.detail.set("class", failure_class_name(FailureClass::kWorkerCrash));
  return error;
}

// Steps that may have acted where a lost machine does not take it back: file outputs are only fetched at the end, so
// just writers of another family than filesystem count, from the moment they started.
std::vector<std::string> writers_outside(const RunRequest& request, const Json& result) {
  std::vector<std::string> ids;
  for (const PlanStep& step : request.steps()) {
    if (step.mode != StepMode::kWrite || step.component.starts_with("filesystem.")) continue;
    for (const Json& done : result["steps"].items())
      if (done["id"].as_string() == step.id && done["status"].as_string() != "skipped") ids.push_back(step.id);
  }
  return ids;
}

}  // namespace

std::optional<Error> failure_of(const Result<RunOutcome>& outcome) {
  if (!outcome) return with_class(outcome.error());
  if (outcome->status) return std::nullopt;
  return with_class(outcome->status.error());
}

// The budget counts from the first such failure: an upload may take longer than it.
std::optional<Milliseconds> Replacement::untouched_wait(const FailedAttempt& attempt) {
  if (attempt.outcome || !service_.may_pass(attempt.failure)) return std::nullopt;
  if (!until_) until_ = steady_clock::now() + policy_.budget;
  const auto left = std::chrono::duration_cast<Milliseconds>(*until_ - steady_clock::now());
  const Milliseconds asked = retry_after_of(attempt.failure);
  if (left.count() <= 0 || asked > left) return std::nullopt;
  return std::min(left, std::max(asked, untouched_ == 0 ? asked : http::backoff(policy_, untouched_)));
}

Replacement::Decision Replacement::decide(const FailedAttempt& attempt) {
  const auto anew = [&](Milliseconds wait) {
    ++attempts_;
    return Decision{true, wait, attempt.failure};
  };
  const bool is_stale = attempt.outcome && attempt.was_kept &&
                        (!attempt.outcome->said_hello || attempt.outcome->detail("method").as_string() == "prepare");
  if (!is_own(attempt.failure) && !is_stale) return {false, {}, attempt.failure};
  if (const auto wait = untouched_wait(attempt)) {
    ++untouched_;
    return anew(*wait);
  }
  if (is_stale && !replaced_) {
    replaced_ = true;
    return anew({});
  }
  if (!attempt.has_vanished())
    return {false,
            {},
            attempts_ > 1 && !attempt.outcome ? service_.after_attempts(attempt.failure, attempts_) : attempt.failure};

  const std::vector<std::string> acted =
      attempt.outcome ? writers_outside(attempt.request, attempt.outcome->result) : std::vector<std::string>();
  const std::string wrote =
      acted.empty() ? "; nothing was written outside of it" : "; already written to by: " + join(acted, ", ");
  const std::string look = "Look at what those steps wrote before you run again.";
  const std::string machine = std::string(service_.noun()) + " " + attempt.machine_id;
  const Json detail = Json::object({{"attempts", attempts_}, {"retried", attempts_ > 1}});
  if (const auto limit = attempt.limit_reached())
    return {false,
            {},
            service_.failure(FailureClass::kQuotaExceeded,
                             machine + " came to the end of the life that the plan allows" +
                                 (limit->life_s > 0 ? ", " + spoken_duration(limit->life_s) : "") +
                                 ", before the run was over" + wrote,
                             (acted.empty() ? "" : look + " ") + std::string(short_life_hint_), detail)};
  if (!replaced_ && acted.empty()) {
    replaced_ = true;
    return anew({});
  }
  return {false,
          {},
          service_.failure(FailureClass::kSandboxError, machine + " is gone (" + attempt.failure.message + ")" + wrote,
                           acted.empty() ? "Run again." : look, detail)};
}

}  // namespace osiris::sdk
