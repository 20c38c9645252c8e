// A driver's own table function in the run's database. Needs DuckDB's C++ API where it is called.
#pragma once

#include <duckdb.h>

#include <functional>
#include <string>

#include "protocol/base/error.h"

namespace duckdb {
class TableFunction;
}

namespace osiris::worker {

// Puts `function` into the connection's database under a name that cannot be guessed, "osiris_...", which it returns.
Result<std::string> define_scan_function(duckdb_connection connection, duckdb::TableFunction function);
// The same with one of the engine's, "read_parquet". `change` is called for each of its overloads.
Result<std::string> copy_scan_function(duckdb_connection connection, const std::string& function,
                                       const std::function<void(duckdb::TableFunction&)>& change = {});

}  // namespace osiris::worker
