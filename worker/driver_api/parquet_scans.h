// All rows of a Parquet file as one SELECT, whatever the number of its columns.
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

}  // namespace osiris::worker
