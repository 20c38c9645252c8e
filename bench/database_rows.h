// The rows of the table that are about reading PostgreSQL.
#pragma once

#include "bench/rows.h"
#include "bench/servers.h"

namespace osiris::bench {

// PostgreSQL -> PostgreSQL beside `psql` piped into `psql`, both by binary COPY into a new table; PostgreSQL -> Parquet
// beside COPY into a file; memory of ten times the rows, by one run of each.
void postgres_rows(Rows& rows, Servers& servers, int rounds);

}  // namespace osiris::bench
