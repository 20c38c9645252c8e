// Parts of a step's SQL that fail whatever the rows are: DATE '2025-02-30', a bound text compared with a number. The
// engine leaves them until a row meets them. Private to worker/database (it needs DuckDB's C++ headers).
#pragma once

#include <duckdb/common/error_data.hpp>
#include <duckdb/parser/sql_statement.hpp>
#include <optional>

#include "worker/database/bound_values.h"

namespace osiris::worker {

struct ConstantFault {
  duckdb::ErrorData error;
  std::optional<uint64_t> offset;  // of the faulty part in the SQL, where the engine knows it
  bool only_some_rows = false;     // inside CASE, COALESCE or OR: some rows, or all, may never meet it
  bool depends_on_types = false;   // with columns of other types it may be none
};

// The first one of a SELECT among the parts without columns and values. The inputs need not be known.
std::optional<ConstantFault> fault_of_constants(duckdb::ClientContext& context, const duckdb::SQLStatement& select);

// The first one of a SELECT whose inputs are known. Throws what the engine throws when it cannot bind it.
std::optional<ConstantFault> fault_of_values(duckdb::ClientContext& context, const duckdb::SQLStatement& select,
                                             const BoundValues& values);

}  // namespace osiris::worker
