// The careful way into DuckDB: our tokenizer reads the file, its fields are kept as text in a temporary table (which
// may spill to disk), and when the last row is in, every column's type is known and the output is made from it. Handles
// every key and decides what is an error; the direct way (direct_load.h) hands over to it whenever it is in doubt.
#pragma once

#include "worker/drivers/filesystem.csv_extractor/layout.h"
#include "worker/drivers/filesystem.csv_extractor/options.h"

namespace osiris::worker::csv {

struct Loaded {
  uint64_t rows = 0;
  Layout layout;
};

// Creates output_table() and fills it; leaves nothing when it fails.
Result<Loaded> load_staged(StepContext& step, const Options& options);
// Creates output_table() of what the options declare, without rows.
Result<Loaded> load_nothing(StepContext& step, const Options& options);

}  // namespace osiris::worker::csv
