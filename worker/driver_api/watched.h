// A statement that a driver watches: run in slices by the thread that asks, with the engine's others beside it, so that
// the driver says how far it is and hears between two slices that it is to stop.
#pragma once

#include <duckdb.h>

#include <functional>
#include <string>

#include "worker/driver_api/driver.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker {

// `tick` gets how much of its input the statement has read, 0 to 1, and never less than before. kCancelled as soon as
// `step` is.
Result<sql::QueryResult> run_watched(StepContext& step, const std::string& sql,
                                     const std::function<void(double part)>& tick);

// The same, where the rows it reads are known: they are the step's progress, and so is the number it returns, which the
// statement gives as its result (COPY, CREATE TABLE AS).
Result<uint64_t> count_watched(StepContext& step, const std::string& sql, uint64_t rows_expected);

}  // namespace osiris::worker
