#include "protocol/model/failure_class.h"

#include <utility>

namespace osiris {
namespace {

struct Row {
  FailureClass failure;
  std::string_view name;
  Code code;
};

constexpr Row kRows[] = {
    {FailureClass::kQuotaExceeded, "QuotaExceeded", Code::kExhausted},
    {FailureClass::kCreationTimeout, "CreationTimeout", Code::kUnavailable},
    {FailureClass::kSandboxError, "SandboxError", Code::kUnavailable},
    {FailureClass::kWorkerCrash, "WorkerCrash", Code::kUnavailable},
    {FailureClass::kAuthError, "AuthError", Code::kUnauthenticated},
    {FailureClass::kNotFound, "NotFound", Code::kNotFound},
    {FailureClass::kNetworkError, "NetworkError", Code::kUnavailable},
};

const Row& row_of(FailureClass failure) {
  for (const Row& row : kRows)
    if (row.failure == failure) return row;
  return kRows[2];
}

}  // namespace

std::string_view failure_class_name(FailureClass failure) { return row_of(failure).name; }

Error service_failure(std::string_view service, FailureClass failure, std::string message, std::string hint,
                      Json detail) {
  const Row& row = row_of(failure);
  Error error(row.code, std::move(message), std::move(hint));
  if (!service.empty()) error.category = std::string(service) + "." + std::string(row.name);
  detail.set("class", row.name);
  if (!detail.contains("attempts")) {
    detail.set("attempts", 1);
    detail.set("retried", false);
  }
  error.detail = std::move(detail);
  return error;
}

FailureClass failure_class_of(const Error& error) {
  const std::string& name = error.detail["class"].as_string();
  for (const Row& row : kRows)
    if (row.name == name) return row.failure;
  return FailureClass::kSandboxError;
}

std::chrono::milliseconds retry_after_of(const Error& error) {
  return std::chrono::milliseconds(error.detail["retry_after_s"].as_int() * 1000);
}

Error after_attempts(Error error, int attempts) {
  if (attempts < 2 || error.code == Code::kCancelled) return error;
  if (!error.detail.is_object()) error.detail = Json::object();
  error.detail.set("attempts", attempts);
  error.detail.set("retried", true);
  error.message += "; tried " + std::to_string(attempts) + " times";
  return error;
}

}  // namespace osiris
