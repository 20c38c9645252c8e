// The rows of the table that are about CSV files: filters, memory by size, compressed files, types that widen late.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "bench/measure.h"

namespace osiris::bench {

struct CsvBench {
  std::string osiris;             // the program
  std::string statements;         // csv_statements
  std::filesystem::path project;  // a directory with an osiris.yaml, for the files
  int rounds = 5;
  bool quick = false;  // a tenth of the data
};

std::vector<Row> csv_rows(const CsvBench& bench);

}  // namespace osiris::bench
