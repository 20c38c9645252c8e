// The condition by which the server leaves out the rows that a kept state does not ask for.
#pragma once

#include <string>
#include <vector>

#include "worker/driver_api/incremental.h"
#include "worker/drivers/mysql.extractor/columns.h"
#include "worker/drivers/mysql.extractor/statement.h"

namespace osiris::worker::mysql {

// Empty: all rows are wanted. kInvalidArgument where the column is none of the kept ones, or has no order.
Result<std::string> incremental_filter(const Incremental& incremental, const MYSQL_FIELD* fields,
                                       const Columns& columns);

// `sql` without a semicolon at its end.
std::string without_end(const std::vector<Token>& tokens, const std::string& sql);

}  // namespace osiris::worker::mysql
