// What the engine says of a script, for the script's author: kinds of errors, names they meant, the place in the text.
// Private to worker/database (it needs DuckDB's C++ headers).
#pragma once

#include <duckdb.hpp>

#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "worker/database/bound_values.h"
#include "worker/database/constant_faults.h"
#include "worker/database/engine.h"

namespace osiris::worker {

// The SQL names a table that is none of the step's.
Error no_such_table(const std::string& name, const ScriptTarget& target);
// The SQL uses what a step's SQL may not: "ATTACH", "read_csv()".
Error refused(std::string_view what);
// The engine's errors by their kind: what the user can fix, what the machine lacks, what was cut short. detail holds
// kSqlOffset where the engine knows the place.
Error engine_error(const duckdb::ErrorData& data, const ScriptTarget& target);
// A part that fails whatever the rows are. detail says kDependsOnTypes, and kOnlySomeRows
// where rows may pass it by.
Error constant_error(const ConstantFault& fault, const BoundValues& values, const ScriptTarget& target);
// The same with what can be told with the SQL at hand: the place that the engine has only drawn, and that a table is
// named by a step's id, which the engine reads as a subtraction.
Error in_text(Error error, std::string_view sql, const ScriptTarget& target);

}  // namespace osiris::worker
