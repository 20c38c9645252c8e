// The row of the table about files in an object store: columns of Parquet objects, read by their ranges.
#pragma once

#include <filesystem>
#include <string>

#include "bench/rows.h"

namespace osiris::bench {

struct ObjectBench {
  std::string osiris;             // the program
  std::string statements;         // duckdb_statements
  std::filesystem::path project;  // a directory with an osiris.yaml
  uint64_t rows = 0;              // of 20 columns of 8 bytes
  int rounds = 5;
};

// A group-by over 2 of 20 columns of Parquet objects, each request 20 ms late, beside a download of the whole objects
// and DuckDB over the files.
void object_rows(Rows& rows, const ObjectBench& bench);

}  // namespace osiris::bench
