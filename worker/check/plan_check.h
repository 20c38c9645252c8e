// `osiris-worker --check-plan FILE`: binds a plan's SQL against the columns its inputs will have, without running the
// plan. `osiris validate` starts it; adapters do not.
#pragma once

#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::worker {

// `request` is a `prepare` document (docs/worker-protocol.md) whose session directory may be thrown away afterwards.
// The answer:
//   {"steps": [{"step_id", "columns": [{"name", "type"}] or null when only a run can tell them,
//               "sampled": do types come from a sample of the data,
//               "error": {"message", "hint", "category", "sql_offset"} or null}]}
// A step whose inputs have an error, or unknown columns, is checked as far as it can be: its SQL is parsed, and the
// tables it names are looked up among its inputs.
Result<Json> check_plan(const Json& request);

// The command. Prints the answer; returns the exit status.
int check_plan_command(const std::vector<std::string>& arguments);

}  // namespace osiris::worker
