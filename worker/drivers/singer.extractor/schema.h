// What a SCHEMA message says of a stream: its columns, and which type of the engine holds each exactly.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::worker::singer {

enum class Kind { kBoolean, kInteger, kDouble, kDecimal, kText, kDate, kTime, kTimestamp, kJson };

struct Column {
  std::string name;
  Kind kind = Kind::kText;
  int scale = 0;  // of a decimal

  std::string type() const;  // as SQL spells it
};

// What a number becomes that declares no step: a double, a text, a decimal.
struct Numbers {
  Kind kind = Kind::kDouble;
  int digits = 38, scale = 0;
};

// The columns of a JSON schema, those of `wanted` in its order where it is not empty. kStepFailed with
// extract.schema_mismatch for names that no relation can have, and for a wanted one that is not there.
Result<std::vector<Column>> columns_of(const Json& schema, const std::vector<std::string>& wanted,
                                       const Numbers& numbers);

}  // namespace osiris::worker::singer
