#include "host/run/status.h"

#include "protocol/base/categories.h"

namespace osiris {

RunVerdict decide_verdict(const RunProofs& proofs) {
  if (proofs.error) {
    const ExitCode code = exit_code_for(*proofs.error, proofs.error_source);
    const bool stopped = code == ExitCode::kCancelled || code == ExitCode::kDeadline;
    if (stopped && proofs.error->category == category::kRuntimeBudget) return {false, code, "budget"};
    return {false, code, stopped ? std::string(outcome_name(code)) : "execution_failed"};
  }
  if (proofs.steps_completed < proofs.steps_total) return {false, ExitCode::kAdapterFailed, "incomplete_steps"};
  if (proofs.shards_error) return {false, ExitCode::kAdapterFailed, "incomplete_shards"};
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
