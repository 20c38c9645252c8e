// The rows of the table about copies into another kind of server. They run inside osiris-mariadb, as mysql_rows.h says,
// beside a PostgreSQL server of their own.
#pragma once

#include <vector>

#include "bench/measure.h"
#include "bench/mysql_rows.h"

namespace osiris::bench {

// MariaDB -> PostgreSQL, counted and with all values compared, beside the plain client piped into COPY; CSV -> MariaDB
// beside LOAD DATA.
std::vector<Row> copy_rows(const MysqlBench& bench);

}  // namespace osiris::bench
