// duckdb.processor: one SQL text over the step's inputs, confined to them (docs/decisions/0001-confining-sql.md). Of
// several statements the last one's rows are the output.
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& duckdb_processor();

}  // namespace osiris::worker
