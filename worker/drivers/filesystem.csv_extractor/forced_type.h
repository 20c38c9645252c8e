// A column type the pipeline asks for by a pandas name: how fields are read, what fits, and the SQL type of the column.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "worker/drivers/filesystem.csv_extractor/values.h"

namespace osiris::worker::csv {

// What a column of a datetime64 type may hold.
enum class Dates { kNone, kMicroseconds, kNanoseconds, kInstants };

struct ForcedType {
  std::string pandas_name;
  Kind kind = Kind::kText;  // dates are text until all rows are in
  std::string sql_type;
  Dates dates = Dates::kNone;
};

// `name` is the value of `dtype` for `column`. kInvalidArgument names the nearest type.
Result<ForcedType> forced_type(const std::string& column, const Json& name);

// Why a field that is not NULL cannot be of this type: "is not int64", "is beyond int8 (-128 to 127)". Empty: it can.
std::string why_unfit(const ForcedType& type, std::string_view field, const NumberFormat& numbers);

}  // namespace osiris::worker::csv
