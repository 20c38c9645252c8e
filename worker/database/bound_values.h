// Values a step binds to the names in its SQL ($since). Private to worker/database (it needs DuckDB's C++ headers).
#pragma once

#include <duckdb/parser/sql_statement.hpp>
#include <duckdb/planner/expression/bound_parameter_data.hpp>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::worker {

using BoundValues = duckdb::case_insensitive_map_t<duckdb::BoundParameterData>;

// Text binds as a literal does, so that it meets dates and numbers; whole numbers as BIGINT (UBIGINT, where they need
// it), others as the DECIMAL they spell, or DOUBLE where that is too wide; a list as a list of its items.
Result<BoundValues> bound_values(const Json& values);

// What each statement may name; every value must be named by one of them, every name must have a value. `$1` and `?`
// have none.
Status check_bound_names(const duckdb::vector<duckdb::unique_ptr<duckdb::SQLStatement>>& statements,
                         const BoundValues& values);

// Those that `statement` names.
BoundValues values_of(const duckdb::SQLStatement& statement, const BoundValues& values);

}  // namespace osiris::worker
