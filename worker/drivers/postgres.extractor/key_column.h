// A column of the query that a key of the step names, to part the rows by it.
#pragma once

#include <cstdint>
#include <string>

#include "worker/drivers/db/key_bounds.h"
#include "worker/drivers/postgres/connection.h"

namespace osiris::worker::postgres {

// "PostgreSQL query failed: 'partition' names column 'id', …"
Error refused_column(const std::string& key, const std::string& column, const std::string& what,
                     const std::string& hint);
// Its place among the columns of the query. `key`: what names it, "'partition'".
Result<uint32_t> place_of_column(const Answer& description, const std::string& key, const std::string& column);
// `rows` by their column `name`, asked over `connection`, which outlives the result.
db::KeyedRows keyed_rows(Connection& connection, std::string rows, const std::string& name);

}  // namespace osiris::worker::postgres
