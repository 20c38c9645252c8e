// An extraction as a step's: what a driver of PostgreSQL does once it knows what to read.
#pragma once

#include <memory>
#include <string>

#include "worker/driver_api/driver.h"
#include "worker/drivers/postgres.extractor/settings.h"

namespace osiris::worker::postgres {

// `driver`: whose name stands before lines in the log. The three are what Driver's run, open and describe are.
Result<StepOutcome> run_extraction(StepContext& context, ExtractSettings settings, const std::string& driver);
Result<std::unique_ptr<StreamedOutput>> open_extraction(StepContext& context, ExtractSettings settings,
                                                        const std::string& driver);
Status describe_extraction(StepContext& context, ExtractSettings settings, const std::string& driver);

}  // namespace osiris::worker::postgres
