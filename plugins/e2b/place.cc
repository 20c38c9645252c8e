#include "plugins/e2b/place.h"

#include <utility>

#include "plugins/e2b/network.h"
#include "plugins/e2b/sandbox_access.h"

namespace osiris::e2b {
namespace {

sdk::Machine machine_of(Sandbox sandbox) {
  sdk::Machine machine;
  machine.id = sandbox.id;
  machine.metadata = sandbox.metadata;
  machine.is_running = sandbox.state == "running";
  machine.started_at = sandbox.started_at;
  machine.ends_at = sandbox.end_at;
  machine.own = std::move(sandbox);
  return machine;
}

Result<sdk::Machine> machine_of(Result<Sandbox> sandbox) {
  if (!sandbox) return sandbox.error();
  return machine_of(*std::move(sandbox));
}

CallLimits api_limits(const sdk::CallLimits& limits) { return {.wait = limits.wait, .cancelled = limits.cancelled}; }

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

Result<sdk::Machine> E2bPlace::create(const sdk::MachineSpec& wanted, const sdk::CallLimits& limits) {
  SandboxSpec spec;
  spec.template_id = wanted.template_id;
  spec.lease_s = wanted.lease_s;
  spec.metadata = wanted.metadata;
  spec.network = network_rules(wanted.egress, true);
  spec.internet = wanted.egress.internet;
  spec.idempotency_key = wanted.idempotency_token;
  return machine_of(create_sandbox(api_, spec, {.wait = limits.wait, .cancelled = limits.cancelled}));
}

sdk::CreateFailure E2bPlace::classify_create_failure(const Error& create_error) const {
  const std::string code = detail_of(create_error, "error_code").as_string();
  const int status = http_status_of(create_error);
  sdk::CreateFailure failure;
  failure.leaves_doubt = leaves_doubt(create_error);
  // No answer, or that of a gateway which got none.
  failure.is_late = failure.leaves_doubt && (status == 0 || status == 502 || status == 504);
  failure.honours_token = code.starts_with("idempotency_");
  failure.is_under_way = code == "idempotency_in_progress";
  failure.lost_outcome = code == "idempotency_outcome_unknown";
  return failure;
}

bool E2bPlace::may_honour_tokens() const { return !api_.is_older(Generation::kSandboxes); }

bool E2bPlace::is_template_failure(const Error& create_error) const {
  const int status = http_status_of(create_error);
  return status == 400 || status == 404;
}

Result<std::vector<sdk::Machine>> E2bPlace::find(const sdk::Metadata& metadata) {
  OSIRIS_ASSIGN(std::vector<Sandbox> sandboxes, find_by_metadata(api_, metadata));
  std::vector<sdk::Machine> machines;
  for (Sandbox& sandbox : sandboxes) machines.push_back(machine_of(std::move(sandbox)));
  return machines;
}

// The answer names the token of the sandbox's envd, which no other call tells.
Result<sdk::Machine> E2bPlace::take_over(const std::string& id, int64_t lease_s) {
  return machine_of(connect_sandbox(api_, id, lease_s));
}

Result<sdk::Machine> E2bPlace::look(const std::string& id, const sdk::CallLimits& limits) {
  return machine_of(get_sandbox(api_, id, api_limits(limits)));
}

Status E2bPlace::renew(const std::string& id, int64_t lease_s, const sdk::CallLimits& limits) {
  return renew_lease(api_, id, lease_s, api_limits(limits));
}

bool E2bPlace::is_end_of_life(const Error& renew_error) const {
  return failure_class_of(renew_error) == FailureClass::kQuotaExceeded && http_status_of(renew_error) == 400;
}

std::string_view E2bPlace::short_life_hint() const {
  return "Split the pipeline, give its steps a faster shape (--e2b-cpu, --e2b-mem), or use a plan with longer "
         "sandboxes.";
}

Status E2bPlace::kill(const std::string& id, const sdk::CallLimits& limits) {
  return kill_sandbox(api_, id, api_limits(limits));
}

bool E2bPlace::is_refusal(const Error& error) const {
  const int status = http_status_of(error);
  return status >= 400 && status < 500 && status != 429;
}

Result<bool> E2bPlace::is_gone(const std::string& id, const sdk::CallLimits& limits) {
  return e2b::is_gone(api_, id, api_limits(limits));
}

Json E2bPlace::shown_rules(const sdk::Egress& egress) const { return network_rules(egress, false); }

std::unique_ptr<sdk::MachineAccess> E2bPlace::access(const sdk::Machine& machine, sdk::Milliseconds stall_limit) {
  return std::make_unique<SandboxAccess>(api_, std::any_cast<const Sandbox&>(machine.own), stall_limit);
}

}  // namespace osiris::e2b
