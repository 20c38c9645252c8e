// `foreach: {split: …}` of a SQLite file: where the parts begin, and the select of one of them.
#pragma once

#include <string>
#include <vector>

#include "worker/drivers/db/key_range.h"
#include "worker/drivers/sqlite.extractor/columns.h"

namespace osiris::worker::sqlite_in {

// {"bounds": [...]}; `select` has no semicolon at its end, and `columns` are its.
Result<Json> ask_for_bounds(Database& database, const std::string& select, const std::vector<Column>& columns,
                            const db::KeySplit& split);
Result<std::string> select_of_part(const std::string& select, const std::vector<Column>& columns,
                                   const db::KeyRange& range);

}  // namespace osiris::worker::sqlite_in
