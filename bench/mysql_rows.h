// The rows of the table that are about reading MySQL.
#pragma once

#include <string>

#include "bench/rows.h"
#include "bench/servers.h"

namespace osiris::bench {

// The table into a relation, and into a CSV file beside the plain client and beside a loop that drops what it fetches.
// `fetch`: the program mysql_fetch.
void mysql_rows(Rows& rows, Servers& servers, const std::string& fetch, int rounds);

}  // namespace osiris::bench
