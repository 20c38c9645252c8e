// The values of PostgreSQL's binary format, from bytes to what DuckDB stores. Pure functions: no value is ever changed
// to make it fit; nullopt for what cannot be held exactly, or is malformed.
//
//   numeric    digits(2) weight(2) sign(2) scale(2), then base-10,000 digits(2 each)
//   date       days(4); timestamp, timestamptz, time: microseconds(8); the largest and the least number are infinities
//   timetz     microseconds(8) seconds west of UTC(4)
//   interval   microseconds(8) days(4) months(4)
//   bit        number of bits(4), then the bits from the left
//   uuid       16 bytes
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace osiris::worker::postgres {

using Bytes = std::string_view;

// Not ISO C++, but of gcc and clang alike.
__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 Uint128;

// The number times ten to the power of `scale`, of at most `digits` digits. nullopt for NaN and infinities too.
std::optional<Int128> decimal_value(Bytes bytes, unsigned digits, unsigned scale);
// NaN and infinities are numbers that a decimal does not have.
bool is_special_numeric(Bytes bytes);
std::optional<int32_t> date_value(Bytes bytes);
std::optional<int64_t> timestamp_value(Bytes bytes);
std::optional<int64_t> time_value(Bytes bytes);
std::optional<duckdb_time_tz> time_tz_value(Bytes bytes);
std::optional<duckdb_interval> interval_value(Bytes bytes);
std::optional<duckdb_hugeint> uuid_value(Bytes bytes);
// As DuckDB keeps bits: how many of the first byte's are padding, then the padding (ones) and the bits.
std::optional<std::string> bits_value(Bytes bytes);

}  // namespace osiris::worker::postgres
