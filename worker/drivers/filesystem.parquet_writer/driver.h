// filesystem.parquet_writer: the step's first input becomes a Parquet file, by DuckDB's COPY, under a temporary name
// beside the target, which a rename puts in place. A type that Parquet does not hold is kept as another that holds its
// values exactly, with a line in the log and a note in the file, or is an error that names the column
// (worker/driver_api/file_columns.h, docs/decisions/0133-types-in-files.md).
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& filesystem_parquet_writer();

}  // namespace osiris::worker
