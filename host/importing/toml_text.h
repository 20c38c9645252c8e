// TOML as a JSON value: dates and times as their text.
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

// `name` is said in the error, with line and column and nothing of the text, which may hold secrets. kInvalidArgument.
Result<Json> parse_toml(std::string_view text, const std::string& name);

}  // namespace osiris
