#include "plugins/e2b/place.h"

#include <any>
#include <utility>

#include "plugins/e2b/api/failure.h"
#include "plugins/e2b/failures.h"
#include "plugins/e2b/sandbox_access.h"
#include "plugins/e2b/verdict.h"

namespace osiris::e2b {
namespace {

adapter_sdk::Machine machine_of(Sandbox sandbox) {
  adapter_sdk::Machine machine;
  machine.id = sandbox.id;
  machine.metadata = sandbox.metadata;
  machine.is_running = sandbox.state == "running";
  machine.started_at = sandbox.started_at;
  machine.ends_at = sandbox.end_at;
  machine.own = std::move(sandbox);
  return machine;
}

CallLimits api_limits(const adapter_sdk::CallLimits& limits) {
  return {.wait = limits.wait, .cancelled = limits.cancelled};
}

// After these the service may have made a sandbox although it did not say so: no answer, a 5xx, or an answer that
// cannot be read. A 4xx says that it did nothing, and what never reached the service did nothing either.
bool leaves_doubt(const Error& error) {
  const FailureClass failure = failure_class_of(error);
  const int status = http_status_of(error);
  if (failure != FailureClass::kNetworkError && failure != FailureClass::kSandboxError &&
      failure != FailureClass::kCreationTimeout)
    return false;
  if (detail_of(error, "error_code").as_string() == "sandbox_create_refused" ||
      detail_of(error, "reached") == Json(false))
    return false;
  return status < 400 || status >= 500;
}

}  // namespace

E2bPlace::E2bPlace(std::unique_ptr<http::Transport> network, const ApiConfig& config, http::RetryPolicy policy,
                   std::function<bool(http::Milliseconds)> sleep,
                   std::function<void(const http::Request&, const http::RetryNote&)> note)
    : network_(std::move(network)),
      watched_(*network_),
      api_(config, watched_, policy, std::move(sleep), std::move(note)) {}

adapter_sdk::Machine E2bPlace::create(const adapter_sdk::MachineSpec& wanted, const adapter_sdk::CallLimits& limits) {
  SandboxSpec spec;
  spec.template_id = wanted.template_id;
  spec.lease_s = wanted.lease_s;
  spec.metadata = wanted.metadata;
  spec.network = network_rules(wanted.egress, true);
  spec.internet = wanted.egress.internet;
  spec.idempotency_key = wanted.idempotency_token;
  return machine_of(value_or_throw(create_sandbox(api_, spec, {.wait = limits.wait, .cancelled = limits.cancelled})));
}

adapter_sdk::CreateFailure E2bPlace::classify_create_failure(const plugin::Failure& failure) const {
  const Error error = to_error(failure);
  const std::string code = detail_of(error, "error_code").as_string();
  const int status = http_status_of(error);
  adapter_sdk::CreateFailure what;
  what.leaves_doubt = leaves_doubt(error);
  // No answer, or that of a gateway which got none.
  what.is_late = what.leaves_doubt && (status == 0 || status == 502 || status == 504);
  what.honours_token = code.starts_with("idempotency_");
  what.is_under_way = code == "idempotency_in_progress";
  what.lost_outcome = code == "idempotency_outcome_unknown";
  return what;
}

bool E2bPlace::may_honour_tokens() const { return !api_.is_older(Generation::kSandboxes); }

bool E2bPlace::is_template_failure(const plugin::Failure& failure) const {
  const int status = http_status_of(to_error(failure));
  return status == 400 || status == 404;
}

std::vector<adapter_sdk::Machine> E2bPlace::find(const adapter_sdk::Metadata& metadata) {
  std::vector<adapter_sdk::Machine> machines;
  for (Sandbox& sandbox : value_or_throw(find_by_metadata(api_, metadata)))
    machines.push_back(machine_of(std::move(sandbox)));
  return machines;
}

// The answer names the token of the sandbox's envd, which no other call tells.
adapter_sdk::Machine E2bPlace::take_over(const std::string& id, int64_t lease_s) {
  return machine_of(value_or_throw(connect_sandbox(api_, id, lease_s)));
}

adapter_sdk::Machine E2bPlace::look(const std::string& id, const adapter_sdk::CallLimits& limits) {
  return machine_of(value_or_throw(get_sandbox(api_, id, api_limits(limits))));
}

void E2bPlace::renew(const std::string& id, int64_t lease_s, const adapter_sdk::CallLimits& limits) {
  check_or_throw(renew_lease(api_, id, lease_s, api_limits(limits)));
}

bool E2bPlace::is_end_of_life(const plugin::Failure& failure) const {
  const Error error = to_error(failure);
  return failure_class_of(error) == FailureClass::kQuotaExceeded && http_status_of(error) == 400;
}

std::string_view E2bPlace::short_life_hint() const {
  return "Split the pipeline, give its steps a faster shape (--e2b-cpu, --e2b-mem), or use a plan with longer "
         "sandboxes.";
}

void E2bPlace::kill(const std::string& id, const adapter_sdk::CallLimits& limits) {
  check_or_throw(kill_sandbox(api_, id, api_limits(limits)));
}

bool E2bPlace::is_refusal(const plugin::Failure& failure) const {
  const int status = http_status_of(to_error(failure));
  return status >= 400 && status < 500 && status != 429;
}

bool E2bPlace::is_gone(const std::string& id, const adapter_sdk::CallLimits& limits) {
  return value_or_throw(e2b::is_gone(api_, id, api_limits(limits)));
}

bool E2bPlace::may_pass(const plugin::Failure& failure) const { return e2b::may_pass(to_error(failure)); }

std::string E2bPlace::hint(std::string_view failure_class) const { return std::string(usual_hint(failure_class)); }

std::string E2bPlace::shown_rules(const adapter_sdk::Egress& egress) const {
  return network_rules(egress, false).dump();
}

std::vector<std::variant<adapter_sdk::Machine, plugin::Failure>> E2bPlace::clone(
    const std::string& id, size_t count, int64_t lease_s, const adapter_sdk::CallLimits& limits) {
  std::vector<std::variant<adapter_sdk::Machine, plugin::Failure>> made;
  for (Result<Sandbox>& each :
       value_or_throw(fork_sandbox(api_, id, count, lease_s, {.wait = limits.wait, .cancelled = limits.cancelled}))) {
    if (each)
      made.emplace_back(machine_of(*std::move(each)));
    else
      made.emplace_back(to_failure(each.error()));
  }
  return made;
}

adapter_sdk::Verdict E2bPlace::verify(const std::string& id, const adapter_sdk::MachineSpec& wanted,
                                      const adapter_sdk::CallLimits& limits) {
  const Json said = value_or_throw(describe_sandbox(api_, id, api_limits(limits)));
  return verdict_of(said, wanted);
}

std::unique_ptr<adapter_sdk::MachineAccess> E2bPlace::access(const adapter_sdk::Machine& machine,
                                                             adapter_sdk::Milliseconds stall_limit) {
  return std::make_unique<SandboxAccess>(api_, std::any_cast<const Sandbox&>(machine.own), stall_limit);
}

}  // namespace osiris::e2b
