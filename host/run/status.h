// How a run ended: one function for status.json, the index and the exit status (exit_status.h), so that they cannot
// disagree.
//
// The five-proof rule: a run is ok if the adapter said success, the exit code is 0, every step of the plan was seen to
// complete, every output of the plan is at its place with the size and hash its step wrote (output_proof.h), and every
// event reached events.jsonl. Any proof missing makes it not ok, with the reason named. Of a step with shards,
// completing means that each of the list was taken in exactly once and that their rows are the step's.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "host/run/exit_status.h"
#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

struct RunProofs {
  std::string adapter;
  std::string sandbox_id;  // empty: none
  std::string session_path;
  std::optional<Error> error;  // what the stages ended with; none: all succeeded
  ErrorSource error_source = ErrorSource::kInput;
  size_t steps_total = 0;
  size_t steps_completed = 0;
  std::optional<Error> outputs_error;  // why the outputs are not proved; looked at only where all steps completed
  std::optional<Error> shards_error;   // why the shards are not proved, likewise
  bool events_complete = true;         // events.jsonl exists and no write to it failed
};

struct RunVerdict {
  bool ok = false;
  ExitCode exit_code = ExitCode::kOk;
  // Empty, or "execution_failed", "incomplete_steps", "incomplete_shards", "missing_outputs", "missing_events_jsonl",
  // "cancelled", "deadline"; "budget": the run came to the end of what it may cost, and was ended as by a deadline.
  std::string reason;
};

RunVerdict decide_verdict(const RunProofs& proofs);
// The document of status.json.
Json status_document(const RunProofs& proofs, const RunVerdict& verdict);

}  // namespace osiris
