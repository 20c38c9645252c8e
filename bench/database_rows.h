// The rows of the table that are about databases: real servers, started for the time of the measurement.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "bench/measure.h"

namespace osiris::bench {

struct DatabaseBench {
  std::string osiris;             // the program
  std::filesystem::path project;  // a directory with an osiris.yaml
  int rounds = 5;
  bool quick = false;  // a tenth of the data
};

// PostgreSQL -> PostgreSQL beside `psql` piped into `psql`, both by binary COPY into a new table; PostgreSQL -> Parquet
// beside COPY into a file; memory of ten times the rows.
std::vector<Row> postgres_rows(const DatabaseBench& bench);

}  // namespace osiris::bench
