#include "plugins/e2b/creation.h"

#include <algorithm>
#include <thread>

#include "plugins/e2b/sandbox_session.h"
#include "protocol/base/clock.h"
#include "protocol/base/random.h"
#include "protocol/base/text.h"

namespace osiris::e2b {
namespace {

using std::chrono::steady_clock;

// A create that was given up for its slowness may still make a sandbox; so long, at the end of the run, it is looked for.
constexpr http::Milliseconds kLateMax{10'000};

std::string error_code_of(const Error& error) { return detail_of(error, "error_code").as_string(); }

// After these the service may have made a sandbox although it did not say so: no answer, a 5xx, or an answer that cannot be read.
// A 4xx says that it did nothing, and what never reached the service did nothing either.
bool leaves_doubt(const Error& error) {
  const FailureClass failure = failure_class_of(error);
  const int status = http_status_of(error);
  if (failure != FailureClass::kNetworkError && failure != FailureClass::kSandboxError && failure != FailureClass::kCreationTimeout) return false;
  if (error_code_of(error) == "sandbox_create_refused" || detail_of(error, "reached") == Json(false)) return false;
  return status < 400 || status >= 500;
}

// No answer, or that of a gateway which got none: the create may still be on its way to making a sandbox.
bool is_late(const Error& error) {
  const int status = http_status_of(error);
  return leaves_doubt(error) && (status == 0 || status == 502 || status == 504);
}

http::Milliseconds left_until(steady_clock::time_point until) {
  return std::chrono::duration_cast<http::Milliseconds>(until - steady_clock::now());
}

}  // namespace

Result<Sandbox> Creation::ask(const SandboxSpec& spec) {
  if (first_asked_ns_ == 0) first_asked_ns_ = system_clock().monotonic_ns();
  auto created = create_sandbox(context_.api, spec, {.wait = http::Milliseconds(context_.config.create_timeout_ms), .cancelled = &context_.cancelled});
  if (created && !birth_) birth_ = sdk::Lifetime::Birth{first_asked_ns_, system_clock().monotonic_ns()};
  return created;
}

// By the token, with its envd's own token, which only connecting tells.
Result<std::optional<Sandbox>> Creation::find_made(const SandboxSpec& spec) {
  const auto found = find_by_metadata(context_.api, {{kTokenKey, token_}});
  if (!found || found->empty()) return std::optional<Sandbox>();
  context_.host.log(OSIRIS_INFO, "the reply to creating sandbox " + found->front().id + " was lost; it was found by its metadata");
  OSIRIS_ASSIGN(Sandbox connected, connect_sandbox(context_.api, found->front().id, spec.lease_s));
  return std::optional(std::move(connected));
}

// After a create in doubt one that worked: asked once more, a service that honours the key names the same sandbox. Then there is one
// sandbox, and nothing has to be looked for. Any other answer leaves the doubt.
void Creation::settle(const SandboxSpec& spec, const Sandbox& made) {
  if (!honoured_ && steady_clock::now() < late_until_ && !context_.api.is_older(Generation::kSandboxes)) {
    const auto again = ask(spec);
    honoured_ = (again && again->id == made.id) || (!again && error_code_of(again.error()).starts_with("idempotency_"));
    doubles_ = again && again->id != made.id;
  }
  if (!honoured_) return;
  doubtful_ = false;
  late_until_ = {};
}

Result<Sandbox> Creation::create(SandboxSpec spec) {
  token_ = to_hex(random_bytes(16));
  spec.metadata[kTokenKey] = token_;
  spec.idempotency_key = token_;
  OSIRIS_TRY(context_.journal.write("creating", Json::object({{"token", token_}, {"template", spec.template_id}})));

  const http::RetryPolicy policy{.budget = http::Milliseconds(context_.config.retry_budget_ms)};
  std::optional<steady_clock::time_point> until;  // from the first failure on: one attempt may take longer than the budget
  for (int attempt = 1;; ++attempt) {
    auto created = ask(spec);
    if (created) {
      if (doubtful_) settle(spec, *created);
      return created;
    }
    const Error error = after_attempts(created.error(), attempt);
    const std::string code = error_code_of(error);
    honoured_ |= code.starts_with("idempotency_");
    if (is_late(error))
      late_until_ = steady_clock::now() + std::min(http::Milliseconds(context_.config.create_timeout_ms), kLateMax);
    if (context_.cancelled) {
      doubtful_ = true;
      return Error(Code::kCancelled, "the run was cancelled while its sandbox was being created");
    }
    const bool is_under_way = code == "idempotency_in_progress";
    const bool is_unknown = code == "idempotency_outcome_unknown";
    if (!leaves_doubt(error) && !is_under_way && !is_unknown) return error;
    doubtful_ = true;
    if (is_unknown || context_.api.is_older(Generation::kSandboxes)) {
      auto made = find_made(spec);
      if (made && *made) {
        if (attempt == 1) late_until_ = {};  // the one create there was is accounted for
        return **std::move(made);
      }
      if (!made) context_.host.log(OSIRIS_WARN, made.error().message + "; another one is created, and both are killed at the end");
      if (is_unknown) spec.idempotency_key = to_hex(random_bytes(16));  // the old one has no outcome any more
    }
    if (!may_pass(error) && !is_under_way && !is_unknown) return error;
    if (!until) until = steady_clock::now() + policy.budget;
    const http::Milliseconds left = left_until(*until), asked = retry_after_of(error);
    if (left.count() <= 0 || asked > left) return error;
    context_.host.log(OSIRIS_WARN, error.message + "; trying again");
    if (!context_.sleep(std::min(left, std::max(asked, http::backoff(policy, attempt))))) return Error(Code::kCancelled, "the run was cancelled");
  }
}

Result<std::vector<Sandbox>> Creation::find_doubles(const std::string& known) const {
  const auto until = steady_clock::now() + http::Milliseconds(context_.config.retry_budget_ms);
  constexpr int kRefusalsMax = 4;
  const http::RetryPolicy policy;
  int refusals = 0;
  for (int attempt = 1;; ++attempt) {
    auto found = find_by_metadata(context_.api, {{kTokenKey, token_}});
    if (found) {
      std::erase_if(*found, [&](const Sandbox& each) { return each.id == known; });
      if (!found->empty() || steady_clock::now() >= late_until_) return found;
      std::this_thread::sleep_for(http::Milliseconds(250));
      attempt = 0;
      continue;
    }
    const http::Milliseconds left = left_until(until);
    refusals += !may_pass(found.error());
    if (left.count() <= 0 || refusals >= kRefusalsMax) {
      Error error = found.error();
      error.message += "; so a sandbox of this run whose creation was in doubt may live until its lease ends (" +
                       std::to_string(context_.config.lease_s) + " s at most)";
      error.hint = "Run `osiris resources reap --adapter e2b`.";
      return error;
    }
    // Clean-up goes on after a cancel, so its waits are not the cancellable ones.
    std::this_thread::sleep_for(std::min(left, std::max(retry_after_of(found.error()), http::backoff(policy, attempt))));
  }
}

}  // namespace osiris::e2b
