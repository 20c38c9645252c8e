// parse_dates and dtype datetime64: text columns of a finished relation become TIMESTAMP columns.
#pragma once

#include "worker/drivers/filesystem.csv_extractor/layout.h"

namespace osiris::worker::csv {

// Understood: ISO 8601 ("2025-03-01", "2025-03-01 04:10:00.5", "2025-03-01T04:10:00Z"), "20250301", and with the month
// first "3/1/2025" and "3/1/2025 04:10:00". A column that `parse_dates` names and that holds anything else stays text,
// with a warning, as in pandas; one forced by dtype is an error; `parse_dates: true` takes the text columns that fit.
Status convert_date_columns(StepContext& step, const Options& options, const Layout& layout);

}  // namespace osiris::worker::csv
