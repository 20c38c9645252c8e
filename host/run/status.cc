#include "host/run/status.h"

namespace osiris {

ExitCode exit_code_for(Code code) {
  switch (code) {
    case Code::kStepFailed: return ExitCode::kStepFailed;
    case Code::kCancelled: return ExitCode::kCancelled;
    case Code::kDeadline: return ExitCode::kDeadline;
    case Code::kInvalidArgument:
    case Code::kNotFound: return ExitCode::kInput;
    case Code::kInvalidState:
    case Code::kUnsupported:
    case Code::kUnauthenticated:
    case Code::kUnavailable:
    case Code::kExhausted:
    case Code::kInternal: return ExitCode::kAdapterFailed;
  }
  return ExitCode::kAdapterFailed;
}

std::string_view outcome_name(ExitCode code) {
  switch (code) {
    case ExitCode::kOk: return "success";
    case ExitCode::kCancelled: return "cancelled";
    case ExitCode::kDeadline: return "deadline";
    case ExitCode::kStepFailed:
    case ExitCode::kInput:
    case ExitCode::kAdapterFailed: return "failed";
  }
  return "failed";
}

RunVerdict judge(const RunProofs& proofs) {
  if (proofs.error) {
    const ExitCode code = proofs.failure_exit_code.value_or(exit_code_for(proofs.error->code));
    const bool stopped = code == ExitCode::kCancelled || code == ExitCode::kDeadline;
    return {false, code, stopped ? std::string(outcome_name(code)) : "execution_failed"};
  }
  if (proofs.steps_completed < proofs.steps_total) return {false, ExitCode::kAdapterFailed, "incomplete_steps"};
  if (proofs.outputs_error) return {false, ExitCode::kAdapterFailed, "missing_outputs"};
  if (!proofs.events_complete) return {false, ExitCode::kAdapterFailed, "missing_events_jsonl"};
  return {true, ExitCode::kOk, ""};
}

Json status_document(const RunProofs& proofs, const RunVerdict& verdict) {
  return Json::object({{"sandbox_id", proofs.sandbox_id.empty() ? proofs.adapter : proofs.sandbox_id},
                       {"exit_code", static_cast<int>(verdict.exit_code)},
                       {"steps_completed", uint64_t{proofs.steps_completed}},
                       {"steps_total", uint64_t{proofs.steps_total}},
                       {"ok", verdict.ok},
                       {"session_path", proofs.session_path},
                       {"session_copied", true},
                       {"events_jsonl_exists", proofs.events_complete},
                       {"reason", verdict.reason}});
}

}  // namespace osiris
