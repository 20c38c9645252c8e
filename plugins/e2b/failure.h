// The error classes of this adapter and how HTTP answers become them. Each error says what to do about it and carries, for
// programs, {"class","operation","http_status","request_id","attempts","retried","retry_after_s"} in Error::detail.
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "protocol/http/transport.h"

namespace osiris::e2b {

enum class FailureClass {
  kQuotaExceeded,    // the team's concurrency, rate or plan limit
  kCreationTimeout,  // a sandbox or template did not come up in time
  kSandboxError,     // the service failed, or the sandbox is gone
  kWorkerCrash,      // the worker ended or fell silent inside a sandbox that lives
  kAuthError,        // the API key or the sandbox token was refused
  kNotFound,         // a template, sandbox or file that does not exist
  kNetworkError,     // the service cannot be reached from here
};
std::string_view failure_class_name(FailureClass failure);  // "QuotaExceeded", ...

Error make_failure(FailureClass failure, std::string message, std::string hint, Json detail = Json::object());

// The class named in an Error made here; kSandboxError for any other.
FailureClass failure_class_of(const Error& error);

// An answer came, and it was a 2xx.
inline bool is_success(const http::Outcome& outcome) { return outcome.response && outcome.response->status / 100 == 2; }

// The error for an answer outside 2xx, or for no answer at all. `operation` is what was tried ("create sandbox"). An answer of
// envd's RPCs names a code of Connect's, which says more than its status and lands in detail as "rpc_code".
Error failure_from(const http::Outcome& outcome, std::string_view operation);

// The class of a Connect error code ("not_found", "unavailable", ...).
FailureClass class_of_rpc_code(std::string_view code);

// A field of Error::detail; null when there is none.
Json detail_of(const Error& error, std::string_view field);
// The HTTP status in an error's detail; 0: no answer came.
int http_status_of(const Error& error);
// How long the service asked to wait; 0: it did not say.
http::Milliseconds retry_after_of(const Error& error);

// The same error, saying that it took `attempts` to come to it.
Error after_attempts(Error error, int attempts);

}  // namespace osiris::e2b
