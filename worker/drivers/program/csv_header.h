// The first record of a CSV file: the names of its columns, which DuckDB is then told, so that it has nothing to guess:
// its own guessing skips what it does not understand.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"

namespace osiris::worker::program {

// `front`: the file's first bytes, a byte order mark included. Fields are separated by commas and may stand in double
// quotes. kStepFailed for a name that is empty or comes twice, for a quote that is not closed and for a record that
// does not end in `front` though the file goes on (`is_whole` false).
Result<std::vector<std::string>> read_csv_header(std::string_view front, bool is_whole);

}  // namespace osiris::worker::program
