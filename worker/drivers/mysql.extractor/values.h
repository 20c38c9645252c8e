// The values of MySQL's binary protocol, from bytes to what DuckDB stores. Pure functions: no value is ever changed to
// make it fit; what cannot be held exactly is refused.
//
//   length   1 byte below 251; 252 + 2, 253 + 3 or 254 + 8 bytes, little endian, above
//   DATE, DATETIME, TIMESTAMP   length 0, 4, 7 or 11: year(2) month day [hour minute second [microsecond(4)]]
//   TIME     length 0, 8 or 12: sign days(4) hour minute second [microsecond(4)]
//   DECIMAL  length, then digits as text: "-12.50"
//   integers and floats   little endian, as wide as their type
#pragma once

#include <duckdb.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace osiris::worker::mysql {

static_assert(std::endian::native == std::endian::little, "values are copied as they arrive");

using Bytes = std::string_view;

template <class Value>
Value fixed(const unsigned char* at) {
  Value value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// Reads a length at `at`, which is moved past it; nullopt when it, or as many bytes after it, would pass `end`.
std::optional<uint64_t> read_length(const unsigned char*& at, const unsigned char* end);

// Days since 1970-01-01; nullopt for what is no day ('0000-00-00', '2024-02-31', an odd length). A time other than
// midnight in a DATE is no day either.
std::optional<int32_t> date_value(Bytes bytes);
// Microseconds since 1970-01-01 00:00:00.
std::optional<int64_t> datetime_value(Bytes bytes);
// A signed span of time in microseconds; MySQL's reach to 838 hours.
std::optional<duckdb_interval> time_value(Bytes bytes);

// Not ISO C++, but of gcc and clang alike.
__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 Uint128;
// The digits of `text` with exactly `scale` of them after the point, at most `digits` in all; nullopt when they are
// more.
std::optional<Int128> decimal_value(Bytes text, unsigned digits, unsigned scale);
bool is_utf8(Bytes text);

}  // namespace osiris::worker::mysql
