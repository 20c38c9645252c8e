// The column whose values divide the rows of a query into chunks: or into parts: whether it can, and how its values are
// written.
#pragma once

#include <mysql.h>

#include <string>

#include "protocol/base/error.h"
#include "worker/drivers/db/key_bounds.h"
#include "worker/drivers/mysql.extractor/columns.h"

namespace osiris::worker::mysql {

// Its name, its value and its literals; `rows` and `ask` are the caller's to fill in. `key`: what names it,
// "'partition'". extract.query_failed for a column that is not there, or whose values have no order.
Result<db::KeyedRows> key_of(const std::string& key, const std::string& name, const MYSQL_FIELD* fields, unsigned count,
                             const Columns& columns);

}  // namespace osiris::worker::mysql
