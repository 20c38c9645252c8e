// A condition of PostgREST's ("eq.done", "not.in.(1,2)") as SQL, for a table that is read from the database itself.
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/error.h"

namespace osiris::worker::supabase {

// `column` is the SQL of what is compared. kInvalidArgument for what is no condition, kUnsupported for one that only
// PostgREST understands; the error does not name the column.
Result<std::string> condition_sql(const std::string& column, std::string_view condition);

}  // namespace osiris::worker::supabase
