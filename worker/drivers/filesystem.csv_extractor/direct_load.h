// The fast way into DuckDB: one CREATE TABLE AS over its parallel CSV reader, for large plain UTF-8 files.
#pragma once

#include <optional>

#include "worker/drivers/filesystem.csv_extractor/staged_load.h"

namespace osiris::worker::csv {

// Files below this go the careful way, which is as fast there and has no second opinion to reconcile.
inline constexpr uint64_t kDirectBytesMin = uint64_t{1} << 20;

// nullopt: this file or these options need the careful way, or DuckDB did not like what it read; nothing is left
// behind. Errors are only those that the careful way would meet as well (cancelled, out of memory or disk).
Result<std::optional<Loaded>> load_directly(StepContext& step, const Options& options);

}  // namespace osiris::worker::csv
