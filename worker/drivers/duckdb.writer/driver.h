// duckdb.writer: the step's first input becomes a table of a DuckDB database file. What is in the file stays: it is
// copied beside itself, the copy is changed by an engine of its own (worker/drivers/files/engine_file.h) and put in the
// file's place when it is whole and closed. A reader sees the old file or the new one, and a failure leaves the old
// one.
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& duckdb_writer();

}  // namespace osiris::worker
