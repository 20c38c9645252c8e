// The two forms of JSON files, and how a step's `format` or a file's name tells them.
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/error.h"

namespace osiris::worker::files {

// Whether the file has a record a line. `format`: "json", "ndjson", or empty: by the suffix that is left when that of a
// compression is taken off.
Result<bool> is_json_lines(std::string_view format, const std::string& path);

}  // namespace osiris::worker::files
