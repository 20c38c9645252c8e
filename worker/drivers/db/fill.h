// The two threads of an extracting step: one reads the network and offers batches, the step's own appends them to the
// relation and looks whether the step was cancelled. The reader needs no DuckDB connection and the filler no network,
// so each can be stopped while the other is blocked.
#pragma once

#include <functional>
#include <string>

#include "protocol/base/error.h"
#include "worker/driver_api/driver.h"
#include "worker/drivers/db/deadline.h"
#include "worker/drivers/db/row_queue.h"

namespace osiris::worker::db {

Error cancelled_error(const std::string& step_id);

// Runs `read`, which feeds the queue, on a thread of its own and everything it brings into output_table(). `deadline`,
// which `read` waits by, is cancelled when the step ends first. `server`: how errors begin, "MySQL".
Result<StepOutcome> extract(StepContext& context, const std::string& server, Deadline& deadline,
                            const std::function<Status(RowQueue&)>& read);

// Makes output_table() with these columns and no rows.
Status make_empty(StepContext& context, const std::string& server, const RelationColumns& columns);

}  // namespace osiris::worker::db
