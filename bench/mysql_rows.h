// The rows of the table that are about MySQL. They run inside osiris-mariadb, which starts the server, makes the table
// `orders` and says where it is (MARIADB_HOST, MARIADB_PORT).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/measure.h"

namespace osiris::bench {

struct MysqlBench {
  std::string osiris;             // the program
  std::string fetch;              // mysql_fetch
  std::filesystem::path project;  // a directory with an osiris.yaml
  uint64_t rows = 0;              // of the table
  int rounds = 5;
};

// The table into a relation, and into a CSV file beside the plain client and beside a loop that drops what it fetches.
std::vector<Row> mysql_rows(const MysqlBench& bench);

}  // namespace osiris::bench
