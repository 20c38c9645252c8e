// Where a byte of a scalar's value stands in the file: an error inside a step's SQL is shown at its line.
#pragma once

#include <optional>
#include <string_view>

#include "host/yaml/diagnostic.h"

namespace osiris {

// `text` is the whole file, `scalar` where the scalar begins, `value` what it was read as (parameters may be filled
// in). Exact for values that stand in the file as they are and for block text ('|'); nothing where quoting, folding or
// parameters moved the bytes of a line.
std::optional<Mark> place_in_scalar(std::string_view text, Mark scalar, std::string_view value, size_t offset);

}  // namespace osiris
