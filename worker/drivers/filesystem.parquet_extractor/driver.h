// filesystem.parquet_extractor: Parquet files become the step's output relation. DuckDB reads them; what is ours:
//
//   parquet_files.h   the files one by one before a row is read: what is no Parquet file is named
//   joined_columns.h  columns joined by name, each of a type that holds every file's values or of none
//   files/path_columns.h  columns from directories called key=value, by the pipeline's path and not the machine's
//
// Columns that filesystem.parquet_writer had to keep as another type come back as what they were
// (worker/driver_api/file_columns.h).
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& filesystem_parquet_extractor();

}  // namespace osiris::worker
