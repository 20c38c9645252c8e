// Parquet files before they are read: which they are, what each says of its columns, and whether it is one at all.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/driver_api/driver.h"
#include "worker/driver_api/file_columns.h"

namespace osiris::worker::parquet {

struct ParquetFile {
  MatchedFile place;
  std::vector<FileColumn> columns;
  uint64_t rows = 0;
};

// Reads every file's metadata. The error names the file: not there, empty, cut short, of another kind, encrypted, or
// with a number that no type here holds.
Result<std::vector<ParquetFile>> open_files(StepContext& step, const std::vector<MatchedFile>& places);

// After a failure to read them: the same with the name of the file that fails on its own, if one does.
Error named_error(StepContext& step, const std::vector<ParquetFile>& files, const Error& error);

}  // namespace osiris::worker::parquet
