// Whether a run whose machine failed it begins anew on a fresh one.
//
//   untouched   the opening was not sent: nothing of the user's has happened. As often as the retry budget allows
//   stale       a kept machine is not what the last run left (its files or its worker are not there): nothing ran in it
//   vanished    the service no longer knows the machine, and no step acted outside of it: once
//   age limit   the service ended the machine: never. A fresh one would come to the same end, and be paid for
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "plugins/sdk/abi/request.h"
#include "plugins/sdk/place/lifetime.h"
#include "plugins/sdk/place/place.h"
#include "plugins/sdk/run/run_loop.h"
#include "protocol/http/retry.h"

namespace osiris::sdk {

// One attempt that failed.
struct FailedAttempt {
  const RunRequest& request;
  const Error& failure;
  const RunOutcome* outcome = nullptr;  // null: the opening was not sent
  std::string machine_id;
  bool was_kept = false;
  std::function<bool()> has_vanished;  // asks the service; called at most once
  std::function<std::optional<Lifetime::Limit>()> limit_reached;
};

class Replacement {
 public:
  Replacement(const Service& service, std::string_view short_life_hint, Milliseconds retry_budget)
      : service_(service), short_life_hint_(short_life_hint), policy_{.budget = retry_budget} {}

  struct Decision {
    bool anew = false;
    Milliseconds wait{0};  // before it
    Error failure;         // what the attempt, or the run, ended with
  };
  Decision decide(const FailedAttempt& attempt);
  int attempts() const { return attempts_; }

 private:
  std::optional<Milliseconds> untouched_wait(const FailedAttempt& attempt);

  const Service& service_;
  const std::string_view short_life_hint_;
  const http::RetryPolicy policy_;
  int attempts_ = 1;
  int untouched_ = 0;
  bool replaced_ = false;  // one that was stale or vanished
  std::optional<std::chrono::steady_clock::time_point> until_;
};

// The failure of an attempt, with its class; nullopt: it went well, or its steps are to blame.
std::optional<Error> failure_of(const Result<RunOutcome>& outcome);

}  // namespace osiris::sdk
