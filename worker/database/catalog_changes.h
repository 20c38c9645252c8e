// What each step changes in the engine's catalog, by the catalog's own calls: a database that comes and goes, views of
// its inputs. As SQL each of them is a query: parsed, bound, planned, run by the scheduler.
#pragma once

#include <duckdb.h>

#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "worker/database/database.h"

namespace osiris::worker {

// An empty in-memory database. `connection` has no statement under way, here as below.
Status attach_in_memory(duckdb_connection connection, const std::string& name);
// With all that is in it; connections that use it keep it for the rest of their statement. Nothing happens where there
// is none of that name.
void detach_in_memory(duckdb_connection connection, const std::string& name);

// Temporary views of stored inputs, under each of their names, for `connection` alone. `with_comments`: their columns
// have the comments of the relations' columns.
Status make_input_views(duckdb_connection connection, const std::vector<StepInput>& inputs, bool with_comments);

}  // namespace osiris::worker
