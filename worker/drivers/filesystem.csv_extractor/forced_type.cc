#include "worker/drivers/filesystem.csv_extractor/forced_type.h"

#include <cmath>
#include <limits>
#include <vector>

#include "protocol/base/text.h"
#include "worker/drivers/filesystem.csv_extractor/date_text.h"

namespace osiris::worker::csv {
namespace {

struct TypeName {
  const char* pandas;
  Kind kind;
  const char* sql;
  Dates dates = Dates::kNone;
};
constexpr TypeName kTypeNames[] = {
    {"int", Kind::kInteger, "BIGINT"},
    {"int64", Kind::kInteger, "BIGINT"},
    {"Int64", Kind::kInteger, "BIGINT"},
    {"int32", Kind::kInteger, "INTEGER"},
    {"Int32", Kind::kInteger, "INTEGER"},
    {"int16", Kind::kInteger, "SMALLINT"},
    {"Int16", Kind::kInteger, "SMALLINT"},
    {"int8", Kind::kInteger, "TINYINT"},
    {"Int8", Kind::kInteger, "TINYINT"},
    {"uint64", Kind::kUnsigned, "UBIGINT"},
    {"UInt64", Kind::kUnsigned, "UBIGINT"},
    {"uint32", Kind::kUnsigned, "UINTEGER"},
    {"UInt32", Kind::kUnsigned, "UINTEGER"},
    {"uint16", Kind::kUnsigned, "USMALLINT"},
    {"UInt16", Kind::kUnsigned, "USMALLINT"},
    {"uint8", Kind::kUnsigned, "UTINYINT"},
    {"UInt8", Kind::kUnsigned, "UTINYINT"},
    {"float", Kind::kDouble, "DOUBLE"},
    {"float64", Kind::kDouble, "DOUBLE"},
    {"Float64", Kind::kDouble, "DOUBLE"},
    {"double", Kind::kDouble, "DOUBLE"},
    {"float32", Kind::kDouble, "FLOAT"},
    {"Float32", Kind::kDouble, "FLOAT"},
    {"bool", Kind::kBoolean, "BOOLEAN"},
    {"boolean", Kind::kBoolean, "BOOLEAN"},
    {"str", Kind::kText, "VARCHAR"},
    {"string", Kind::kText, "VARCHAR"},
    {"object", Kind::kText, "VARCHAR"},
    {"category", Kind::kText, "VARCHAR"},
    {"datetime64", Kind::kText, "TIMESTAMP", Dates::kMicroseconds},
    {"datetime64[us]", Kind::kText, "TIMESTAMP", Dates::kMicroseconds},
    {"datetime64[ns]", Kind::kText, "TIMESTAMP", Dates::kNanoseconds},
    {"datetime64[ns, UTC]", Kind::kText, "TIMESTAMPTZ", Dates::kInstants},
};

struct Range {
  std::string_view sql;
  int64_t low;
  uint64_t high;
};
constexpr Range kRanges[] = {
    {"TINYINT", INT8_MIN, INT8_MAX},  {"SMALLINT", INT16_MIN, INT16_MAX}, {"INTEGER", INT32_MIN, INT32_MAX},
    {"BIGINT", INT64_MIN, INT64_MAX}, {"UTINYINT", 0, UINT8_MAX},         {"USMALLINT", 0, UINT16_MAX},
    {"UINTEGER", 0, UINT32_MAX},      {"UBIGINT", 0, UINT64_MAX},
};

const Range& range_of(const ForcedType& type) {
  for (const Range& range : kRanges)
    if (range.sql == type.sql_type) return range;
  return kRanges[0];
}

std::string why_no_integer(const ForcedType& type, std::string_view number) {
  const Range& range = range_of(type);
  const auto whole = parse_integer(number);
  const auto natural = parse_unsigned(number);
  if (natural ? *natural <= range.high : whole && *whole >= range.low) return {};
  if (!has_integer_form(number)) return "is not " + type.pandas_name;
  return "is beyond " + type.pandas_name + " (" + std::to_string(range.low) + " to " + std::to_string(range.high) + ")";
}

std::string why_no_double(const ForcedType& type, std::string_view number) {
  const auto value = parse_double(number);
  if (!value) return "is not " + type.pandas_name;
  const bool too_large = type.sql_type == "FLOAT" && std::isfinite(*value) && std::isinf(static_cast<float>(*value));
  return too_large ? "is beyond " + type.pandas_name : std::string();
}

std::string why_no_date(const ForcedType& type, std::string_view field) {
  const auto date = parse_date(field);
  if (!date) return "is not a date";
  if (type.dates == Dates::kInstants) {
    if (!date->offset_minutes) return "has no offset, which " + type.pandas_name + " needs";
  } else if (date->offset_minutes) {
    return "has an offset, which " + type.pandas_name + " cannot hold (datetime64[ns, UTC] can)";
  }
  if (date->nanos != 0 && type.dates != Dates::kNanoseconds)
    return "has digits beyond the microsecond, which " + type.pandas_name + " cannot hold";
  return {};
}

}  // namespace

Result<ForcedType> forced_type(const std::string& column, const Json& name) {
  const std::string wanted = name.is_string() ? name.as_string() : name.dump();
  std::vector<std::string> known;
  for (const TypeName& type : kTypeNames) {
    if (name.is_string() && wanted == type.pandas) return ForcedType{type.pandas, type.kind, type.sql, type.dates};
    known.emplace_back(type.pandas);
  }
  const auto near = nearest(wanted, known);
  return Error(Code::kInvalidArgument, "dtype of column '" + column + "': '" + wanted + "' is not a type",
               (near ? "did you mean '" + *near + "'? " : std::string()) + "known types: " + join(known, ", "));
}

std::string why_unfit(const ForcedType& type, std::string_view field, const NumberFormat& numbers) {
  if (type.dates != Dates::kNone) return why_no_date(type, field);
  if (type.kind == Kind::kText) return {};
  if (type.kind == Kind::kBoolean) return parse_boolean(field) ? std::string() : "is not " + type.pandas_name;
  std::string buffer;
  const auto number = numbers.plain(field, buffer);
  if (!number) return "is not " + type.pandas_name;
  return type.kind == Kind::kDouble ? why_no_double(type, *number) : why_no_integer(type, *number);
}

}  // namespace osiris::worker::csv
