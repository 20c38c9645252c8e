// `osiris-worker --check-plan`: binds a plan's SQL against the columns its inputs will have, without running the plan.
// `osiris validate` starts it; adapters do not.
#pragma once

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::worker {

// `request`: {"plan", "connections", "secrets", "work_dir", "session_dir"} as in `prepare` (docs/worker-protocol.md),
// and "connect": may connections be asked? The session directory may be thrown away afterwards. The answer:
//   {"steps": [{"step_id", "columns": [{"name", "type"}] or null when only a run can tell them,
//               "sampled": do types come from a sample of the data,
//               "error": {"message", "hint", "code", "category", "sql_offset",
//                         "only_some_rows": does it come up only when some row needs the part that is wrong,
//                         "depends_on_types": could it be gone with columns of other types} or null}]}
// A step whose inputs have an error, or unknown columns, is checked as far as it can be: its SQL is parsed, and the
// tables it names are looked up among its inputs.
Result<Json> check_plan(Json request);

// The command: the request comes on stdin, the answer goes to stdout. Returns the exit status.
int check_plan_command();

}  // namespace osiris::worker
