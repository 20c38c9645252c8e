// The rows of the table that are about daily work: resuming, keeping rows, the page of a large run, completing a word.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "bench/measure.h"

namespace osiris::bench {

struct EverydayBench {
  std::string osiris, gen_csv;                     // programs
  std::filesystem::path project;                   // a directory with an osiris.yaml, for the files
  uint64_t rows = 10'000'000, groups = 1'000'000;  // of the CSV whose rows are kept
  int rounds = 5;
};

std::vector<Row> everyday_rows(const EverydayBench& bench);

}  // namespace osiris::bench
