// The row of the table about Singer taps.
#pragma once

#include <filesystem>
#include <string>

#include "bench/measure.h"

namespace osiris::bench {

struct SingerBench {
  std::string osiris;             // the program
  std::filesystem::path project;  // a directory with an osiris.yaml
  uint64_t rows = 0;              // records of ten columns
  int rounds = 5;
};

// A tap that replays prepared text, into a relation.
Row singer_row(const SingerBench& bench);

}  // namespace osiris::bench
