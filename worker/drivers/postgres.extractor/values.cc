#include "worker/drivers/postgres.extractor/values.h"

#include <array>

#include "worker/drivers/postgres/types.h"

namespace osiris::worker::postgres {
namespace {

constexpr size_t kNumericHeaderBytes = 8;
// DuckDB's.
constexpr int32_t kDateInfinity = INT32_MAX;
constexpr int64_t kTimestampInfinity = INT64_MAX;
constexpr int64_t kTimestampMin_us = -9223372022400000000;  // 290309-12-22 (BC)
constexpr int32_t kZoneMax_s = 16 * 60 * 60 - 1;

// Digits of a decimal that is held in 64 bits.
constexpr unsigned kNarrowDigits = 18;

constexpr Uint128 power_of_ten(unsigned exponent) {
  Uint128 power = 1;
  while (exponent-- > 0) power *= 10;
  return power;
}

constexpr std::array<uint64_t, kNarrowDigits + 1> kNarrowPowers = [] {
  std::array<uint64_t, kNarrowDigits + 1> powers{};
  for (unsigned i = 0; i < powers.size(); ++i) powers[i] = static_cast<uint64_t>(power_of_ten(i));
  return powers;
}();

// A number that is taken in from its front and stays below 10^digits. Below 10^18 a product is seen whole in 128 bits;
// above it is divided for instead, which takes many times as long.
class Narrow {
 public:
  explicit Narrow(unsigned digits) : limit_(kNarrowPowers[digits]) {}
  bool take(unsigned factor, unsigned digit) {
    const Uint128 next = static_cast<Uint128>(value_) * factor + digit;
    if (next >= limit_) return false;
    value_ = static_cast<uint64_t>(next);
    return true;
  }
  Uint128 value() const { return value_; }

 private:
  const uint64_t limit_;
  uint64_t value_ = 0;
};

class Wide {
 public:
  explicit Wide(unsigned digits) : limit_(power_of_ten(digits)) {}  // 10^38 fits
  bool take(unsigned factor, unsigned digit) {
    if (value_ > limit_ / factor) return false;
    value_ = value_ * factor + digit;
    return value_ < limit_;
  }
  Uint128 value() const { return value_; }

 private:
  const Uint128 limit_;
  Uint128 value_ = 0;
};

// The groups of four digits of a numeric, in units of the result; nullopt: it has more digits than the result.
template <class Number>
std::optional<Uint128> magnitude(Bytes groups, int weight, unsigned scale, Number number) {
  const auto count = static_cast<int>(groups.size() / 2);
  for (int i = 0; i < count; ++i) {
    unsigned digit = read_big<uint16_t>(groups.data() + 2 * i);
    if (digit >= kNumericBase) return std::nullopt;
    // The power of ten of this group's last decimal place.
    const int exponent = 4 * (weight - i) + static_cast<int>(scale);
    unsigned factor = kNumericBase;
    for (int places = exponent; places < 0 && factor > 1; ++places) {
      if (digit % 10 != 0) return std::nullopt;
      digit /= 10;
      factor /= 10;
    }
    if (!number.take(factor, digit)) return std::nullopt;
  }
  const int zeros = count == 0 ? 0 : 4 * (weight - count + 1) + static_cast<int>(scale);
  for (int i = 0; i < zeros && number.value() != 0; ++i)
    if (!number.take(10, 0)) return std::nullopt;
  return number.value();
}

}  // namespace

bool is_special_numeric(Bytes bytes) {
  return bytes.size() >= kNumericHeaderBytes && (read_big<uint16_t>(bytes.data() + 4) & kNumericNan) == kNumericNan;
}

std::optional<Int128> decimal_value(Bytes bytes, unsigned digits, unsigned scale) {
  if (bytes.size() < kNumericHeaderBytes || is_special_numeric(bytes)) return std::nullopt;
  const unsigned count = read_big<uint16_t>(bytes.data());
  const int weight = read_big<int16_t>(bytes.data() + 2);
  const uint16_t sign = read_big<uint16_t>(bytes.data() + 4);
  if (bytes.size() != kNumericHeaderBytes + 2 * size_t{count} || (sign != 0 && sign != kNumericNegative))
    return std::nullopt;
  const Bytes groups = bytes.substr(kNumericHeaderBytes);
  const auto value = digits <= kNarrowDigits ? magnitude(groups, weight, scale, Narrow(digits))
                                             : magnitude(groups, weight, scale, Wide(digits));
  if (!value) return std::nullopt;
  return sign == kNumericNegative ? -static_cast<Int128>(*value) : static_cast<Int128>(*value);
}

std::optional<int32_t> date_value(Bytes bytes) {
  if (bytes.size() != 4) return std::nullopt;
  const auto days = read_big<int32_t>(bytes.data());
  if (days == INT32_MAX) return kDateInfinity;
  if (days == INT32_MIN) return -kDateInfinity;
  const int64_t since_1970 = int64_t{days} + kEpochDays;
  if (since_1970 >= kDateInfinity || since_1970 <= -kDateInfinity) return std::nullopt;
  return static_cast<int32_t>(since_1970);
}

std::optional<int64_t> timestamp_value(Bytes bytes) {
  if (bytes.size() != 8) return std::nullopt;
  const auto micros = read_big<int64_t>(bytes.data());
  if (micros == INT64_MAX) return kTimestampInfinity;
  if (micros == INT64_MIN) return -kTimestampInfinity;
  int64_t since_1970 = 0;
  if (__builtin_add_overflow(micros, kEpoch_us, &since_1970) || since_1970 == kTimestampInfinity ||
      since_1970 < kTimestampMin_us)
    return std::nullopt;
  return since_1970;
}

std::optional<int64_t> time_value(Bytes bytes) {
  if (bytes.size() != 8) return std::nullopt;
  const auto micros = read_big<int64_t>(bytes.data());
  if (micros < 0 || micros > kDay_us) return std::nullopt;
  return micros;
}

std::optional<duckdb_time_tz> time_tz_value(Bytes bytes) {
  if (bytes.size() != 12) return std::nullopt;
  const auto micros = time_value(bytes.substr(0, 8));
  const auto west_s = read_big<int32_t>(bytes.data() + 8);
  if (!micros || west_s > kZoneMax_s || west_s < -kZoneMax_s) return std::nullopt;
  return duckdb_create_time_tz(*micros, -west_s);
}

std::optional<duckdb_interval> interval_value(Bytes bytes) {
  if (bytes.size() != 16) return std::nullopt;
  duckdb_interval span;
  span.micros = read_big<int64_t>(bytes.data());
  span.days = read_big<int32_t>(bytes.data() + 8);
  span.months = read_big<int32_t>(bytes.data() + 12);
  // PostgreSQL 17's infinities.
  const bool is_infinite = (span.months == INT32_MAX && span.days == INT32_MAX && span.micros == INT64_MAX) ||
                           (span.months == INT32_MIN && span.days == INT32_MIN && span.micros == INT64_MIN);
  if (is_infinite) return std::nullopt;
  return span;
}

std::optional<duckdb_hugeint> uuid_value(Bytes bytes) {
  if (bytes.size() != 16) return std::nullopt;
  // DuckDB flips the first bit, so that they sort as numbers.
  const uint64_t upper = read_big<uint64_t>(bytes.data()) ^ (uint64_t{1} << 63);
  return duckdb_hugeint{read_big<uint64_t>(bytes.data() + 8), static_cast<int64_t>(upper)};
}

std::optional<std::string> bits_value(Bytes bytes) {
  if (bytes.size() < 4) return std::nullopt;
  const auto count = read_big<uint32_t>(bytes.data());
  bytes.remove_prefix(4);
  // DuckDB has no empty string of bits.
  if (count == 0 || bytes.size() != (size_t{count} + 7) / 8) return std::nullopt;
  const unsigned padding = (8 - count % 8) % 8;
  std::string bits(1 + bytes.size(), '\0');
  bits[0] = static_cast<char>(padding);
  unsigned carried = (1u << padding) - 1;  // ones, before the first bit
  for (size_t i = 0; i < bytes.size(); ++i) {
    const unsigned byte = static_cast<unsigned char>(bytes[i]);
    bits[1 + i] = static_cast<char>((carried << (8 - padding)) | (byte >> padding));
    carried = byte & ((1u << padding) - 1);
  }
  return bits;
}

}  // namespace osiris::worker::postgres
