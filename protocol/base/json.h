// Reading JSON (nlohmann's parser, in json_parse.cc only); the value itself is in json_value.h. Parsing is iterative
// and bounded in depth, so hostile text yields an Error and never a crash.
#pragma once

#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/json_value.h"

namespace osiris {

// Nesting deeper than this is refused.
inline constexpr int kJsonDepthMax = 200;

// Strict JSON (RFC 8259) in UTF-8, a byte order mark before it skipped; anything else is kInvalidArgument with the
// offset in bytes. A key that comes twice in an object has its last value. An integer beyond 64 bits is a double, a
// number beyond a double an error.
Result<Json> parse_json(std::string_view text);

}  // namespace osiris
