// The rows of the table that are about shards on one machine (docs/shards.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/measure.h"

namespace osiris::bench {

struct ShardBench {
  std::string osiris, gen_csv;                  // programs
  std::filesystem::path project;                // a directory with an osiris.yaml, for the files
  uint64_t rows = 3'200'000, groups = 100'000;  // of the CSV that is read in 32 files and in one
  int rounds = 5;
};

std::vector<Row> shard_rows(const ShardBench& bench);

}  // namespace osiris::bench
