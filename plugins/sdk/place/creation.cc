#include "plugins/sdk/place/creation.h"

#include <algorithm>
#include <thread>

#include "plugins/sdk/place/held_machine.h"
#include "protocol/base/clock.h"
#include "protocol/base/random.h"
#include "protocol/base/text.h"
#include "protocol/http/retry.h"

namespace osiris::sdk {
namespace {

using std::chrono::steady_clock;

// A create that was given up for its slowness may still make a machine; so long, at the end of the run, it is looked
// for.
constexpr Milliseconds kLateMax{10'000};

Milliseconds left_until(steady_clock::time_point until) {
  return std::chrono::duration_cast<Milliseconds>(until - steady_clock::now());
}

}  // namespace

Result<Machine> Creation::ask(const MachineSpec& wanted) {
  if (first_asked_ns_ == 0) first_asked_ns_ = system_clock().monotonic_ns();
  auto created =
      context_.place.create(wanted, {.wait = context_.settings.create_timeout, .cancelled = &context_.cancelled});
  if (created && created->metadata.empty()) created->metadata = wanted.metadata;
  if (created && !create_times_) create_times_ = Lifetime::CreateTimes{first_asked_ns_, system_clock().monotonic_ns()};
  return created;
}

// By the token; with what it takes to reach it, which only taking it over tells.
Result<std::optional<Machine>> Creation::find_made(const MachineSpec& wanted) {
  const auto found = context_.place.find({{meta::kToken, token_}});
  if (!found || found->empty()) return std::optional<Machine>();
  context_.host.log(OSIRIS_INFO, "the reply to creating " + std::string(context_.place.service().noun()) + " " +
                                     found->front().id + " was lost; it was found by its metadata");
  OSIRIS_ASSIGN(Machine connected, context_.place.take_over(found->front().id, wanted.lease_s));
  return std::optional(std::move(connected));
}

// After a create in doubt one that worked: asked once more, a service that honours the token names the same machine.
// Then there is one machine, and nothing has to be looked for. Any other answer leaves the doubt.
void Creation::settle(const MachineSpec& wanted, const Machine& made) {
  if (!honoured_ && steady_clock::now() < late_until_ && context_.place.may_honour_tokens()) {
    const auto again = ask(wanted);
    honoured_ = (again && again->id == made.id) ||
                (!again && context_.place.classify_create_failure(again.error()).honours_token);
    doubles_ = again && again->id != made.id;
  }
  if (!honoured_) return;
  doubtful_ = false;
  late_until_ = {};
}

Result<Machine> Creation::create(MachineSpec wanted) {
  token_ = to_hex(random_bytes(16));
  wanted.metadata[meta::kToken] = token_;
  wanted.idempotency_token = token_;
  OSIRIS_TRY(context_.journal.write("creating", Json::object({{"token", token_}, {"template", wanted.template_id}})));

  const Service& service = context_.place.service();
  const std::string noun(service.noun());
  const http::RetryPolicy policy{.budget = context_.settings.retry_budget};
  std::optional<steady_clock::time_point>
      until;  // from the first failure on: one attempt may take longer than the budget
  for (int attempt = 1;; ++attempt) {
    auto created = ask(wanted);
    if (created) {
      if (doubtful_) settle(wanted, *created);
      return created;
    }
    const Error error = service.after_attempts(created.error(), attempt);
    const CreateFailure failure = context_.place.classify_create_failure(error);
    honoured_ |= failure.honours_token;
    if (failure.is_late) late_until_ = steady_clock::now() + std::min(context_.settings.create_timeout, kLateMax);
    if (context_.cancelled) {
      doubtful_ = true;
      return Error(Code::kCancelled, "the run was cancelled while its " + noun + " was being created");
    }
    const bool goes_on = failure.is_under_way || failure.lost_outcome;
    if (!failure.leaves_doubt && !goes_on) return error;
    doubtful_ = true;
    if (failure.lost_outcome || !context_.place.may_honour_tokens()) {
      auto made = find_made(wanted);
      if (made && *made) {
        if (attempt == 1) late_until_ = {};  // the one create there was is accounted for
        return **std::move(made);
      }
      if (!made)
        context_.host.log(OSIRIS_WARN,
                          made.error().message + "; another one is created, and both are killed at the end");
      if (failure.lost_outcome)
        wanted.idempotency_token = to_hex(random_bytes(16));  // the old one has no outcome any more
    }
    if (!service.may_pass(error) && !goes_on) return error;
    if (!until) until = steady_clock::now() + policy.budget;
    const Milliseconds left = left_until(*until), asked = retry_after_of(error);
    if (left.count() <= 0 || asked > left) return error;
    context_.host.log(OSIRIS_WARN, error.message + "; trying again");
    if (!context_.sleep(std::min(left, std::max(asked, http::backoff(policy, attempt)))))
      return Error(Code::kCancelled, "the run was cancelled");
  }
}

void Creation::doubt() {
  doubtful_ = true;
  late_until_ = steady_clock::now() + std::min(context_.settings.create_timeout, kLateMax);
}

Result<std::vector<Machine>> Creation::find_doubles(const std::function<bool(const std::string& id)>& is_known) const {
  const auto until = steady_clock::now() + context_.settings.retry_budget;
  constexpr int kRefusalsMax = 4;
  const http::RetryPolicy policy;
  const Service& service = context_.place.service();
  int refusals = 0;
  for (int attempt = 1;; ++attempt) {
    auto found = context_.place.find({{meta::kToken, token_}});
    if (found) {
      std::erase_if(*found, [&](const Machine& each) { return is_known(each.id); });
      if (!found->empty() || steady_clock::now() >= late_until_) return found;
      std::this_thread::sleep_for(Milliseconds(250));
      attempt = 0;
      continue;
    }
    const Milliseconds left = left_until(until);
    refusals += !service.may_pass(found.error());
    if (left.count() <= 0 || refusals >= kRefusalsMax) {
      Error error = found.error();
      error.message += "; so a " + std::string(service.noun()) +
                       " of this run whose creation was in doubt may live until its lease ends (" +
                       std::to_string(context_.settings.lease_s()) + " s at most)";
      error.hint = "Run `osiris resources reap --adapter " + std::string(service.id()) + "`.";
      return error;
    }
    // Clean-up goes on after a cancel, so its waits are not the cancellable ones.
    std::this_thread::sleep_for(
        std::min(left, std::max(retry_after_of(found.error()), http::backoff(policy, attempt))));
  }
}

}  // namespace osiris::sdk
