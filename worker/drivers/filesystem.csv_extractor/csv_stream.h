// The rows of a plain file for the statement of another step.
#pragma once

#include <memory>

#include "worker/driver_api/driver.h"
#include "worker/drivers/filesystem.csv_extractor/options.h"

namespace osiris::worker::csv {

// Null where only reading the whole file tells what it is.
Result<std::unique_ptr<StreamedOutput>> open_stream(StepContext& step, Options options);

}  // namespace osiris::worker::csv
