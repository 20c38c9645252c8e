// duckdb.extractor: rows of a DuckDB database file become the step's output relation, each column with its own type.
// The file is opened read-only by an engine of its own (worker/drivers/files/engine_file.h), which reaches no other
// file: a view in it, or the step's query, cannot either.
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& duckdb_extractor();

}  // namespace osiris::worker
