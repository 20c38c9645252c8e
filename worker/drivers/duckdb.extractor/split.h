// `foreach: {split: …}` of a DuckDB file: where the parts begin, and the condition of one of them.
#pragma once

#include <duckdb.h>

#include <string>
#include <vector>

#include "worker/driver_api/file_columns.h"
#include "worker/drivers/db/key_range.h"

namespace osiris::worker::duckdb_in {

// {"bounds": [...]}; `columns` are those of `select`.
Result<Json> ask_for_bounds(duckdb_connection connection, const std::string& select,
                            const std::vector<FileColumn>& columns, const db::KeySplit& split);
// " WHERE …"
Result<std::string> filter_of_part(const std::vector<FileColumn>& columns, const db::KeyRange& range);

}  // namespace osiris::worker::duckdb_in
