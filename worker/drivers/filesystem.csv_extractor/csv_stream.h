// The rows of a plain file, or of the plain files of a step's shards, for the statement of another step.
#pragma once

#include <cstdint>
#include <memory>

#include "worker/driver_api/driver.h"
#include "worker/drivers/filesystem.csv_extractor/options.h"

namespace osiris::worker::csv {

// Null where only reading the whole file tells what it is.
Result<std::unique_ptr<StreamedOutput>> open_stream(StepContext& step, Options options);

// The rows of `options.joined` in this order, of the types that were settled for all. Null also where the files have
// not all the same columns at the same places, or are smaller than `bytes_min` together.
Result<std::unique_ptr<StreamedOutput>> open_joined_stream(StepContext& step, Options options, uint64_t bytes_min);

}  // namespace osiris::worker::csv
