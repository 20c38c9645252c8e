// Rows of the e2b bench about one run on many sandboxes: wall time and calls with injected delays, rows of many
// sandboxes through the host into one, and what the host needs for it.
#pragma once

#include <filesystem>
#include <vector>

#include "bench/measure.h"

namespace osiris::bench {

struct FleetBench {
  std::filesystem::path build, work;
  int create_ms = 0, round_trip_ms = 0;
  uint64_t union_rows = 0;  // of 64 bytes or so
};
std::vector<Row> fleet_rows(const FleetBench& bench);

}  // namespace osiris::bench
