// What goes wrong with a remote machine, as programs read it in a failure's detail ("class"): the word that a client of
// a service's API and the adapter that uses it share.
#pragma once

#include <string_view>

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
constexpr std::string_view failure_class_name(FailureClass failure) {
  switch (failure) {
    case FailureClass::kQuotaExceeded:
      return "QuotaExceeded";
    case FailureClass::kCreationTimeout:
      return "CreationTimeout";
    case FailureClass::kSandboxError:
      return "SandboxError";
    case FailureClass::kWorkerCrash:
      return "WorkerCrash";
    case FailureClass::kAuthError:
      return "AuthError";
    case FailureClass::kNotFound:
      return "NotFound";
    case FailureClass::kNetworkError:
      return "NetworkError";
  }
  return "SandboxError";
}

}  // namespace osiris
