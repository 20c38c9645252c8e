// What a plain (unquoted, untagged) YAML scalar means to PyYAML's safe loader: YAML 1.1 (yes/no/on/off, octal 010,
// 12:30:00, dates, floats that need a dot).
#pragma once

#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

struct PlainScalar {
  enum class Kind { kNull, kBool, kInt, kFloat, kString, kTimestamp };
  Kind kind = Kind::kNull;
  // A timestamp is the text Python's str() gives: "2025-01-01", "2025-01-01 10:00:00+00:00".
  Json value;
};

// kInvalidArgument for values no JSON document can hold (integers beyond 64 bits, .inf, .nan, impossible dates).
Result<PlainScalar> resolve_plain_scalar(std::string_view text);

// Whether a plain scalar is a boolean or a number that its text does not look like to most readers: yes, NO, off; 010
// (which is 8); 1:30 (which is 90).
bool is_read_otherwise(std::string_view text);

}  // namespace osiris
