// The table of the benchmark and of the two-million-row test: made by the server itself from row numbers, the same on
// every machine. Five columns of the usual kinds, NULLs among them, about 60 bytes a row.
#pragma once

#include <cstdint>

#include "tests/mysql/mariadb_server.h"

namespace osiris::test {

// Database `bench`, table `orders` with `rows` rows, readable by bench/bench, who may write to database `loaded`.
Status make_bench_table(MariaDbServer& server, uint64_t rows);

}  // namespace osiris::test
