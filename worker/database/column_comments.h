// What a step noted about the columns of its output beyond their types (COMMENT ON COLUMN). Notes go with a relation to
// the steps that read it, and no further: what SQL makes of a column is another one.
#pragma once

#include <duckdb.h>

#include <string>
#include <utility>
#include <vector>

#include "protocol/base/error.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker {

// Column and comment, of those that have one.
Result<std::vector<std::pair<std::string, std::string>>> column_comments(duckdb_connection connection,
                                                                         const sql::TableName& table);

}  // namespace osiris::worker
