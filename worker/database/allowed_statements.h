// Which kinds of statements a step's SQL may hold: an allow-list. Private to worker/database (it needs DuckDB's C++
// headers).
#pragma once

#include <duckdb/parser/sql_statement.hpp>

#include "protocol/base/error.h"
#include "worker/database/engine.h"

namespace osiris::worker {

// Fails for a statement that is not allowed, and for one that makes a table which an input of the same name would hide.
Status check_kind(const duckdb::SQLStatement& statement, const ScriptTarget& target);

}  // namespace osiris::worker
