#include "host/run/exit_status.h"

#include "host/adapters/guarded_call.h"

namespace osiris {
namespace {

static_assert(kMisbehaviourExitStatus == to_int(ExitCode::kAdapterFailed),
              "an adapter that ends the process has failed");

ExitCode by_code(Code code) {
  switch (code) {
    case Code::kStepFailed:
      return ExitCode::kStepFailed;
    case Code::kCancelled:
      return ExitCode::kCancelled;
    case Code::kDeadline:
      return ExitCode::kDeadline;
    case Code::kInvalidArgument:
    case Code::kNotFound:
      return ExitCode::kInput;
    case Code::kInvalidState:
    case Code::kUnsupported:
    case Code::kUnauthenticated:
    case Code::kUnavailable:
    case Code::kExhausted:
    case Code::kInternal:
      return ExitCode::kAdapterFailed;
  }
  return ExitCode::kAdapterFailed;
}

}  // namespace

ExitCode exit_code_for(const Error& error, ErrorSource source) {
  const ExitCode code = by_code(error.code);
  switch (source) {
    case ErrorSource::kInput:
      return code;
    case ErrorSource::kLoading:
      return error.code == Code::kNotFound ? code : ExitCode::kAdapterFailed;
    case ErrorSource::kRun:
      return code == ExitCode::kInput ? ExitCode::kAdapterFailed : code;
    case ErrorSource::kService:
      return ExitCode::kAdapterFailed;
  }
  return code;
}

std::string_view outcome_name(ExitCode code) {
  switch (code) {
    case ExitCode::kOk:
      return "success";
    case ExitCode::kCancelled:
      return "cancelled";
    case ExitCode::kDeadline:
      return "deadline";
    case ExitCode::kStepFailed:
    case ExitCode::kInput:
    case ExitCode::kAdapterFailed:
      return "failed";
  }
  return "failed";
}

std::string_view outcome_text(ExitCode code) { return code == ExitCode::kDeadline ? "timed out" : outcome_name(code); }

}  // namespace osiris
