// filesystem.csv_writer: the step's first input becomes a CSV file with the bytes pandas.DataFrame.to_csv would write
// (columns sorted by name, floats in their shortest form with a point, NULL empty). docs/compatibility.md lists the
// differences.
//
// Rows stream out of DuckDB chunk by chunk, are formatted here and go to a temporary file beside the target, which a
// rename puts in place: readers see the old file or the new one. DuckDB's own COPY is not used: it writes booleans and
// timestamps differently, has one encoding, cannot name the row that does not encode, and took twice the processor
// time for a million rows.
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& filesystem_csv_writer();

}  // namespace osiris::worker
