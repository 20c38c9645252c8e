#include "plugins/e2b/api/failure.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "protocol/base/categories.h"
#include "protocol/http/retry.h"

namespace osiris::e2b {
namespace {

constexpr bool is_server_trouble(int status) { return status >= 500 && status != 501 && status != 507; }

std::string request_id_of(const http::Response& response) {
  for (const char* name : {"X-Request-Id", "X-Cloud-Trace-Context", "CF-Ray"})
    if (response.headers.has(name)) return std::string(response.headers.get(name));
  return {};
}

}  // namespace

const Json& detail_of(const Error& error, std::string_view field) { return error.detail[field]; }

int http_status_of(const Error& error) { return static_cast<int>(detail_of(error, "http_status").as_int()); }

bool may_pass(const Error& error) {
  if (!error.category.starts_with("e2b.")) return false;  // this machine's, or unknown
  if (const Json& told = detail_of(error, "should_retry"); told.is_bool()) return told.as_bool();
  if (detail_of(error, "error_code").as_string() == "sandbox_create_refused") return false;
  if (const int status = http_status_of(error); status != 0)
    return status == 429 || is_server_trouble(status) || detail_of(error, "passes").as_bool();
  if (const Json& code = detail_of(error, "rpc_code"); code.is_string()) {
    static constexpr std::string_view kPassing[] = {
        "unavailable", "unknown", "internal", "aborted", "deadline_exceeded", "resource_exhausted", "canceled"};
    return std::find(std::begin(kPassing), std::end(kPassing), code.as_string()) != std::end(kPassing);
  }
  const FailureClass failure = failure_class_of(error);
  return failure == FailureClass::kNetworkError || failure == FailureClass::kSandboxError ||
         failure == FailureClass::kCreationTimeout;
}

std::string_view usual_hint(std::string_view failure_class) {
  if (failure_class == failure_class_name(FailureClass::kCreationTimeout))
    return "The service found no room in time; try again, or in another region or shape.";
  if (failure_class == failure_class_name(FailureClass::kWorkerCrash))
    return "See osiris.log of the session for the worker's last lines.";
  if (failure_class == failure_class_name(FailureClass::kNetworkError))
    return "Check the network, the proxy and --e2b-api-url.";
  return classify({}).hint;
}

Error make_failure(FailureClass failure, std::string message, std::string hint, Json detail) {
  if (hint.empty()) hint = usual_hint(failure_class_name(failure));
  return service_failure("e2b", failure, std::move(message), std::move(hint), std::move(detail));
}

Error failure_from(const http::ExchangeResult& outcome, std::string_view operation) {
  const std::string what = "cannot " + std::string(operation);
  Json detail = Json::object({{"operation", operation}, {"retried", false}, {"attempts", 1}});
  if (outcome.failure) {
    const http::Failure& failure = *outcome.failure;
    if (failure.error.code == Code::kCancelled) return failure.error.within(what);
    const bool has_hint = failure.error.code == Code::kUnauthenticated ||  // a certificate
                          failure.error.category == category::kSystemResourceUnavailable;
    if (failure.error.code != Code::kUnavailable) detail.set("should_retry", false);
    if (!failure.reached_server) detail.set("reached", false);
    return after_attempts(make_failure(FailureClass::kNetworkError, what + ": " + failure.error.message,
                                       has_hint ? failure.error.hint : "", std::move(detail)),
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
  if (!error_code.empty()) detail.set("error_code", error_code);
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
  if (const auto told = http::parse_should_retry(response.headers.get("Should-Retry")))
    detail.set("should_retry", *told);
  if (const auto wait = http::retry_after(response.headers)) {
    detail.set("retry_after_s", int64_t{wait->count() / 1000});
    message += "; it asks to wait " + std::to_string(wait->count() / 1000) + " s";
  }
  const bool is_rpc = !rpc_code.empty();
  const int status = is_rpc ? kRpcStatus : is_unknown_route(response) ? kUnknownRoute : response.status;
  const Classification classification = classify({operation, status, is_rpc ? rpc_code : error_code, said});
  if (classification.passes) detail.set("passes", true);
  return after_attempts(
      make_failure(classification.failure, std::move(message), std::string(classification.hint), std::move(detail)),
      response.attempts);
}

Error rpc_failure(std::string_view operation, std::string_view code, std::string_view message) {
  const Classification classification = classify({operation, kRpcStatus, code, message});
  return make_failure(classification.failure,
                      "cannot " + std::string(operation) + ": " + std::string(code) + ": " + std::string(message),
                      std::string(classification.hint), Json::object({{"operation", operation}, {"rpc_code", code}}));
}

Result<Json> json_body(const http::ExchangeResult& outcome, std::string_view operation) {
  if (!is_success(outcome)) return failure_from(outcome, operation);
  auto body = parse_json(outcome.response->body);
  if (!body)
    return make_failure(FailureClass::kSandboxError,
                        "cannot " + std::string(operation) + ": the answer is not JSON: " + body.error().message, "");
  return *std::move(body);
}

}  // namespace osiris::e2b
