// The rows of the table about copies into another kind of server.
#pragma once

#include "bench/rows.h"
#include "bench/servers.h"

namespace osiris::bench {

// MariaDB -> PostgreSQL, counted and with all values compared, beside the plain client piped into COPY; CSV -> MariaDB
// beside LOAD DATA.
void copy_rows(Rows& rows, Servers& servers, int rounds);

}  // namespace osiris::bench
