#include "worker/drivers/filesystem.parquet_extractor/joined_type.h"

#include <algorithm>

namespace osiris::worker::parquet {
namespace {

struct Integer {
  duckdb_type id;
  int bits;
  bool is_signed;
  int digits;  // that its largest value has
};
constexpr Integer kIntegers[] = {
    {DUCKDB_TYPE_TINYINT, 8, true, 3},     {DUCKDB_TYPE_UTINYINT, 8, false, 3},  {DUCKDB_TYPE_SMALLINT, 16, true, 5},
    {DUCKDB_TYPE_USMALLINT, 16, false, 5}, {DUCKDB_TYPE_INTEGER, 32, true, 10},  {DUCKDB_TYPE_UINTEGER, 32, false, 10},
    {DUCKDB_TYPE_BIGINT, 64, true, 19},    {DUCKDB_TYPE_UBIGINT, 64, false, 20}, {DUCKDB_TYPE_HUGEINT, 128, true, 39},
};
constexpr int kBitsOfFloat = 24, kBitsOfDouble = 53;  // that are exact
constexpr int kDecimalDigitsMax = 38;

const Integer* integer(const ColumnType& type) {
  for (const Integer& each : kIntegers)
    if (each.id == type.id) return &each;
  return nullptr;
}

std::optional<ColumnType> joined_integers(const Integer& a, const Integer& b) {
  if (a.is_signed == b.is_signed) return ColumnType::plain(a.bits > b.bits ? a.id : b.id);
  const Integer& with_sign = a.is_signed ? a : b;
  const int bits = std::max(with_sign.bits, 2 * (a.is_signed ? b : a).bits);
  for (const Integer& each : kIntegers)
    if (each.is_signed && each.bits == bits) return ColumnType::plain(each.id);
  return std::nullopt;
}

// DECIMAL(width, scale) of a decimal or a whole number.
std::optional<ColumnType> as_decimal(const ColumnType& type) {
  if (type.id == DUCKDB_TYPE_DECIMAL) return type;
  const Integer* whole = integer(type);
  if (!whole || whole->digits > kDecimalDigitsMax) return std::nullopt;
  ColumnType decimal = ColumnType::plain(DUCKDB_TYPE_DECIMAL);
  decimal.width = static_cast<uint8_t>(whole->digits);
  return decimal;
}

std::optional<ColumnType> joined_decimals(const ColumnType& a, const ColumnType& b) {
  const auto left = as_decimal(a), right = as_decimal(b);
  if (!left || !right) return std::nullopt;
  ColumnType joined = *left;
  joined.scale = std::max(left->scale, right->scale);
  const int width = std::max(left->width - left->scale, right->width - right->scale) + joined.scale;
  if (width > kDecimalDigitsMax) return std::nullopt;
  joined.width = static_cast<uint8_t>(width);
  return joined;
}

bool is_floating(const ColumnType& type) { return type.id == DUCKDB_TYPE_FLOAT || type.id == DUCKDB_TYPE_DOUBLE; }

std::optional<ColumnType> joined_floating(const ColumnType& floating, const ColumnType& other) {
  if (is_floating(other)) return ColumnType::plain(DUCKDB_TYPE_DOUBLE);
  const Integer* whole = integer(other);
  const int exact = floating.id == DUCKDB_TYPE_FLOAT ? kBitsOfFloat : kBitsOfDouble;
  return whole && whole->bits <= exact ? std::optional(floating) : std::nullopt;
}

}  // namespace

std::optional<ColumnType> joined_type(const ColumnType& a, const ColumnType& b) {
  if (a == b) return a;
  if (is_floating(a)) return joined_floating(a, b);
  if (is_floating(b)) return joined_floating(b, a);
  const Integer *left = integer(a), *right = integer(b);
  if (left && right) return joined_integers(*left, *right);
  return joined_decimals(a, b);
}

}  // namespace osiris::worker::parquet
