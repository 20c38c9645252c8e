// All rows of a Parquet file as one SELECT, whatever the number of its columns, and what that does not keep.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "worker/driver_api/file_columns.h"

namespace osiris::worker {

// Of one scan. For each column that it reads of a group of rows, the engine's reader looks at all that it reads of it:
// ten thousand at once are a hundred million looks.
inline constexpr size_t kColumnsOfAScan = 500;

// `source`: read_parquet(...), whose columns these are. The rows of wide files are put together of several scans side
// by side, each in the order of the file.
std::string select_in_scans(const std::vector<FileColumn>& columns, const std::string& source, FileReader reader);

// What the engine reads of a Parquet file as something else, without a word.
struct ParquetLosses {
  // Columns whose timestamps have nanoseconds that are read to the microsecond: those with a time zone, as pandas
  // writes them, and those of the old form INT96.
  std::vector<std::string> cut_to_microseconds;
  // The first DECIMAL of more digits than there are types for, which would be a DOUBLE: "has a column 'x' of DECIMAL
  // with 61 digits, and ..."; empty: none.
  std::string too_wide;
};
// `file`: an SQL literal.
Result<ParquetLosses> parquet_losses(duckdb_connection connection, const std::string& file);

}  // namespace osiris::worker
