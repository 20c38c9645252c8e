#include "plugins/e2b/failure.h"

#include <array>
#include <utility>

#include "protocol/base/clock.h"
#include "protocol/http/retry.h"

namespace osiris::e2b {
namespace {

struct Class {
  FailureClass failure;
  std::string_view name;
  Code code;
};

constexpr std::array<Class, 7> kClasses{{
    {FailureClass::kQuotaExceeded, "QuotaExceeded", Code::kExhausted},
    {FailureClass::kCreationTimeout, "CreationTimeout", Code::kUnavailable},
    {FailureClass::kSandboxError, "SandboxError", Code::kUnavailable},
    {FailureClass::kWorkerCrash, "WorkerCrash", Code::kUnavailable},
    {FailureClass::kAuthError, "AuthError", Code::kUnauthenticated},
    {FailureClass::kNotFound, "NotFound", Code::kNotFound},
    {FailureClass::kNetworkError, "NetworkError", Code::kUnavailable},
}};

const Class& describe(FailureClass failure) {
  for (const Class& entry : kClasses)
    if (entry.failure == failure) return entry;
  return kClasses[2];
}

std::string_view hint_for(FailureClass failure) {
  switch (failure) {
    case FailureClass::kQuotaExceeded:
      return "Wait for other sandboxes to end, `osiris resources list --adapter e2b` shows yours, or raise the plan's limits.";
    case FailureClass::kCreationTimeout: return "The service found no room in time; try again, or in another region or shape.";
    case FailureClass::kSandboxError: return "Try again; if it stays, look at the service's status with the request id.";
    case FailureClass::kWorkerCrash: return "See osiris.log of the session for the worker's last lines.";
    case FailureClass::kAuthError: return "Set E2B_API_KEY to a valid key of your team.";
    case FailureClass::kNotFound: return "Check the name; `--e2b-template` names a template of your team or a public one.";
    case FailureClass::kNetworkError: return "Check the network, the proxy and --e2b-api-url.";
  }
  return "";
}

// A 504 means that something did not come up in time where something was to be made; elsewhere it is a gateway's trouble.
FailureClass classify(int status, std::string_view error_code, std::string_view operation) {
  if (status == 401 || status == 403) return FailureClass::kAuthError;
  if (status == 404) return FailureClass::kNotFound;
  if (status == 429 || status == 507) return FailureClass::kQuotaExceeded;
  const bool makes = operation.find("create") != std::string_view::npos || operation.find("build") != std::string_view::npos;
  if ((status == 504 && makes) || error_code == "sandbox_placement_timeout" || error_code == "sandbox_capacity_unavailable")
    return FailureClass::kCreationTimeout;
  return FailureClass::kSandboxError;
}

std::string request_id_of(const http::Response& response) {
  for (const char* name : {"X-Request-Id", "X-Cloud-Trace-Context", "CF-Ray"})
    if (response.headers.has(name)) return std::string(response.headers.get(name));
  return {};
}

}  // namespace

FailureClass class_of_rpc_code(std::string_view code) {
  if (code == "unauthenticated" || code == "permission_denied") return FailureClass::kAuthError;
  if (code == "not_found") return FailureClass::kNotFound;
  if (code == "resource_exhausted") return FailureClass::kQuotaExceeded;
  return FailureClass::kSandboxError;
}

Json detail_of(const Error& error, std::string_view field) {
  const auto detail = parse_json(error.detail);
  return detail ? (*detail)[field] : Json();
}

int http_status_of(const Error& error) { return static_cast<int>(detail_of(error, "http_status").as_int()); }

http::Milliseconds retry_after_of(const Error& error) { return http::Milliseconds(detail_of(error, "retry_after_s").as_int() * 1000); }

Error after_attempts(Error error, int attempts) {
  auto detail = parse_json(error.detail);
  if (attempts < 2 || !detail) return error;
  detail->set("attempts", attempts);
  detail->set("retried", true);
  error.detail = detail->dump();
  error.message += "; tried " + std::to_string(attempts) + " times";
  return error;
}

std::string_view failure_class_name(FailureClass failure) { return describe(failure).name; }

Error make_failure(FailureClass failure, std::string message, std::string hint, Json detail) {
  Error error(describe(failure).code, std::move(message), hint.empty() ? std::string(hint_for(failure)) : std::move(hint));
  error.category = "e2b." + std::string(failure_class_name(failure));
  detail.set("class", failure_class_name(failure));
  if (!detail.contains("attempts")) {
    detail.set("attempts", 1);
    detail.set("retried", false);
  }
  error.detail = detail.dump();
  return error;
}

FailureClass failure_class_of(const Error& error) {
  for (const Class& entry : kClasses)
    if (error.category == "e2b." + std::string(entry.name)) return entry.failure;
  return FailureClass::kSandboxError;
}

Error failure_from(const http::Outcome& outcome, std::string_view operation) {
  const std::string what = "cannot " + std::string(operation);
  Json detail = Json::object({{"operation", operation}, {"retried", false}, {"attempts", 1}});
  if (outcome.failure) {
    const http::Failure& failure = *outcome.failure;
    if (failure.error.code == Code::kCancelled || failure.error.code == Code::kExhausted) return failure.error.within(what);
    const bool certificate = failure.error.code == Code::kUnauthenticated;
    return after_attempts(make_failure(FailureClass::kNetworkError, what + ": " + failure.error.message, certificate ? failure.error.hint : "",
                                       std::move(detail)),
                          failure.attempts);
  }
  const http::Response& response = *outcome.response;
  std::string said = response.body.substr(0, 500);
  std::string error_code, rpc_code;
  if (const auto body = parse_json(response.body)) {
    if ((*body)["message"].is_string()) said = (*body)["message"].as_string();
    error_code = (*body)["error_code"].as_string();
    rpc_code = (*body)["code"].as_string();
  }
  detail.set("http_status", response.status);
  std::string message = what + ": HTTP " + std::to_string(response.status);
  if (!rpc_code.empty()) {
    detail.set("rpc_code", rpc_code);
    message += " " + rpc_code;
  }
  if (!said.empty()) message += ": " + said;
  const std::string request_id = request_id_of(response);
  if (!request_id.empty()) {
    detail.set("request_id", request_id);
    message += " (request " + request_id + ")";
  }
  if (const std::string_view after = response.headers.get("Retry-After"); !after.empty()) {
    if (const auto wait = http::parse_retry_after(after, system_clock().unix_ns() / 1'000'000'000)) {
      detail.set("retry_after_s", int64_t{wait->count() / 1000});
      message += "; it asks to wait " + std::to_string(wait->count() / 1000) + " s";
    }
  }
  const FailureClass failure = rpc_code.empty() ? classify(response.status, error_code, operation) : class_of_rpc_code(rpc_code);
  return after_attempts(make_failure(failure, std::move(message), "", std::move(detail)), response.attempts);
}

}  // namespace osiris::e2b
