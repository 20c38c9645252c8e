// Functions of one VARCHAR for one statement of a step. They live in the database's catalog under random names; DuckDB
// calls them on threads of its own.
#pragma once

#include <duckdb.h>

#include <string>
#include <string_view>

#include "protocol/base/error.h"

namespace osiris::worker::csv {

std::string random_function_name();
std::string_view text_of(const duckdb_string_t& value);
// `body` is given NULLs too. `extra` is what duckdb_scalar_function_get_extra_info() returns; `destroy` frees it, also
// after a failure.
Status register_function(duckdb_connection connection, const std::string& name, duckdb_type returns,
                         duckdb_scalar_function_t body, void* extra, duckdb_delete_callback_t destroy);

}  // namespace osiris::worker::csv
