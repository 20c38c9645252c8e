// What goes wrong with a remote machine, as programs read it in a failure's detail ("class"): the word that a client of
// a service's API and the adapter that uses it share.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "protocol/base/error.h"

namespace osiris {

enum class FailureClass {
  kQuotaExceeded,    // the team's concurrency, rate or plan limit
  kCreationTimeout,  // a sandbox or template did not come up in time
  kSandboxError,     // the service failed, or the sandbox is gone
  kWorkerCrash,      // the worker ended or fell silent inside a sandbox that lives
  kAuthError,        // the API key, the team or the sandbox token was refused
  kNotFound,         // a template, sandbox or file that does not exist
  kNetworkError,     // the service cannot be reached from here
};

// "QuotaExceeded", "CreationTimeout", ...
std::string_view failure_class_name(FailureClass failure);

// An error of a service: the code of its class, the category "<service>.<class>" (no service: none), and in the detail
// {"class","attempts","retried"}.
Error service_failure(std::string_view service, FailureClass failure, std::string message, std::string hint,
                      Json detail = Json::object());

// What its detail says: the class, kSandboxError where it names none; how long the service asked to wait
// ("retry_after_s"), 0 where it did not.
FailureClass failure_class_of(const Error& error);
std::chrono::milliseconds retry_after_of(const Error& error);

// The same error, saying that it took `attempts` to come to it.
Error after_attempts(Error error, int attempts);

}  // namespace osiris
