// The documents of the worker's drivers preview and difference as tables for a terminal: bounded in width and length,
// and safe to print, whatever the data holds.
#pragma once

#include <cstddef>
#include <string>

#include "protocol/base/json.h"

namespace osiris {

// Columns with type, NULLs and range, then the rows that are shown, in at most `width` columns of the terminal.
std::string preview_text(const Json& preview, size_t width);

// Those rows alone.
std::string rows_text(const Json& preview, size_t width);

// What the two sides do not share: columns, types, and rows, "<" before those of the left and ">" before those of the
// right.
std::string difference_text(const Json& difference, size_t width);

}  // namespace osiris
