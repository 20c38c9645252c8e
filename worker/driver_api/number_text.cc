#include "worker/driver_api/number_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace osiris::worker::number_text {
namespace {

// Powers of ten at which repr() changes to the exponent form.
constexpr int kExponentMin = -4;
constexpr int kExponentMax = 16;

char* put_text(char* at, std::string_view text) {
  if (!text.empty()) std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

template <class Integer>
char* put_whole(char* at, Integer value) {
  return std::to_chars(at, at + kValueBytesMax, value).ptr;
}

// "00" to "99", one after the other.
constexpr std::array<char, 200> kPairs = [] {
  std::array<char, 200> pairs{};
  for (size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

// Of a value below 100.
char* put_pair(char* at, unsigned value) {
  std::memcpy(at, kPairs.data() + 2 * value, 2);
  return at + 2;
}

char* put_padded(char* at, uint64_t value, int width) {
  int left = width;
  for (; left >= 2; left -= 2, value /= 100) std::memcpy(at + left - 2, kPairs.data() + 2 * (value % 100), 2);
  if (left > 0) *at = static_cast<char>('0' + value % 10);
  return at + width;
}

__extension__ using Uint128 = unsigned __int128;
constexpr uint64_t kTenTo19 = 10'000'000'000'000'000'000u;
constexpr int kDigits64 = 19;  // of any number below it

constexpr Uint128 power_of_ten(unsigned exponent) {
  Uint128 power = 1;
  while (exponent-- > 0) power *= 10;
  return power;
}

// Of as many digits as a decimal of 64 bits has at most.
constexpr std::array<uint64_t, 19> kPowers = [] {
  std::array<uint64_t, 19> powers{};
  for (unsigned i = 0; i < powers.size(); ++i) powers[i] = static_cast<uint64_t>(power_of_ten(i));
  return powers;
}();

char* put_wide(char* at, Uint128 value) {
  if (value < kTenTo19) return put_whole(at, static_cast<uint64_t>(value));
  at = put_wide(at, value / kTenTo19);
  return put_padded(at, static_cast<uint64_t>(value % kTenTo19), kDigits64);
}

char* put_wide_padded(char* at, Uint128 value, int width) {
  if (width <= kDigits64) return put_padded(at, static_cast<uint64_t>(value), width);
  at = put_padded(at, static_cast<uint64_t>(value / kTenTo19), width - kDigits64);
  return put_padded(at, static_cast<uint64_t>(value % kTenTo19), kDigits64);
}

// Money and measurements have few decimals. If value * 10000 is a whole number of at most 15 digits that divides back
// to value, its digits are the shortest ones: two decimals of up to 15 digits never share a double. Where it does
// divide back, value * 10000 is off by far less than a half, so a half and a cut round it.
char* put_short_decimal(char* at, double value) {
  constexpr double kScale = 10000;
  const double magnitude = std::abs(value);
  if (!(magnitude < 1e11) || magnitude < 1e-3) return nullptr;
  const auto whole = static_cast<int64_t>(magnitude * kScale + 0.5);
  if (static_cast<double>(whole) / kScale != magnitude) return nullptr;
  if (value < 0) *at++ = '-';
  at = put_whole(at, whole / 10000);
  *at++ = '.';
  auto fraction = static_cast<uint64_t>(whole % 10000);
  int width = 4;
  while (width > 1 && fraction % 10 == 0) fraction /= 10, --width;
  return put_padded(at, fraction, width);
}

char* put_zeros(char* at, size_t count) {
  std::memset(at, '0', count);
  return at + count;
}

// Where repr() shows no exponent, the shortest digits written out are what it shows: a whole number below 2^53 has no
// shorter form, and one from there to 10^16 is the nearest to itself of those with as many digits.
char* put_fixed(char* at, double value) {
  const double magnitude = std::abs(value);
  if (!(magnitude >= 1e-4) || magnitude >= 1e16) return nullptr;
  char* const end = std::to_chars(at, at + kValueBytesMax - 2, value, std::chars_format::fixed).ptr;
  if (std::memchr(at, '.', static_cast<size_t>(end - at))) return end;
  return put_text(end, ".0");
}

template <class Floating>
char* put_shortest(char* at, Floating value) {
  if (std::isinf(value)) return put_text(at, value < 0 ? "-inf" : "inf");
  if (value == 0) return put_text(at, std::signbit(value) ? "-0.0" : "0.0");
  char text[64];
  const char* end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  std::string_view shown(text, static_cast<size_t>(end - text));
  if (shown.front() == '-') {
    *at++ = '-';
    shown.remove_prefix(1);
  }
  const size_t e = shown.find('e');
  int exponent = 0;
  const char* digits_of_exponent = shown.data() + e + (shown[e + 1] == '+' ? 2 : 1);
  std::from_chars(digits_of_exponent, shown.data() + shown.size(), exponent);
  const std::string_view rest = e > 2 ? shown.substr(2, e - 2) : std::string_view();
  // A float may be below 1e-4 and its shortest digits at it; NumPy looks at the number.
  if (static_cast<double>(std::abs(value)) < 1e-4 || exponent < kExponentMin || exponent >= kExponentMax) {
    *at++ = shown.front();
    if (!rest.empty()) *at++ = '.';
    at = put_text(at, rest);
    at = put_text(at, exponent < 0 ? "e-" : "e+");
    return put_padded(at, static_cast<uint64_t>(std::abs(exponent)), std::abs(exponent) < 100 ? 2 : 3);
  }
  if (exponent < 0) {
    at = put_zeros(put_text(at, "0."), static_cast<size_t>(-exponent - 1));
    *at++ = shown.front();
    return put_text(at, rest);
  }
  const auto point = static_cast<size_t>(exponent);
  *at++ = shown.front();
  at = put_text(at, rest.substr(0, point));
  if (rest.size() < point) at = put_zeros(at, point - rest.size());
  *at++ = '.';
  return put_text(at, rest.size() > point ? rest.substr(point) : std::string_view("0"));
}

struct Civil {
  int64_t year;
  unsigned month, day;
};

constexpr int64_t kDaysBefore = 719468;  // from 1 March of year 0 to 1970-01-01

// The same of days from 0000-03-01 on, by as few divisions as possible (Neri and Schneider, Euclidean affine functions,
// 2022): nearly all dates are such.
Civil civil_of_days(uint32_t days) {
  const uint32_t in_centuries = 4 * days + 3;
  const uint32_t century = in_centuries / 146097, in_years = in_centuries % 146097 | 3;
  const uint64_t product = uint64_t{2939745} * in_years;
  const auto year = static_cast<uint32_t>(product >> 32);
  const uint32_t day_of_year = static_cast<uint32_t>(product) / 2939745 / 4;
  const uint32_t in_months = 2141 * day_of_year + 197913;
  const bool is_next = day_of_year >= 306;
  const uint32_t month = in_months >> 16;
  return {int64_t{100 * century + year} + (is_next ? 1 : 0), is_next ? month - 12 : month,
          (in_months & 0xffff) / 2141 + 1};
}

// Days since 1970-01-01 to the proleptic Gregorian calendar, by eras of 400 years that begin on 1 March.
Civil civil_from_days(int64_t days) {
  constexpr int64_t kDaysMax = 1'000'000'000;  // four times as many are counted in 32 bits
  if (days >= -kDaysBefore && days < kDaysMax) return civil_of_days(static_cast<uint32_t>(days + kDaysBefore));
  days += kDaysBefore;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146097);
  const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted_month = (5 * day_of_year + 2) / 153;
  const unsigned month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  return {static_cast<int64_t>(year_of_era) + era * 400 + (month <= 2), month,
          day_of_year - (153 * shifted_month + 2) / 5 + 1};
}

// Of less than a hundred hours.
char* put_clock(char* at, uint32_t seconds) {
  at = put_pair(at, seconds / 3600);
  *at++ = ':';
  at = put_pair(at, seconds / 60 % 60);
  *at++ = ':';
  return put_pair(at, seconds % 60);
}

char* put_micros(char* at, uint32_t micros) {
  *at++ = '.';
  at = put_pair(at, micros / 10000);
  at = put_pair(at, micros / 100 % 100);
  return put_pair(at, micros % 100);
}

}  // namespace

char* put_integer(char* at, int64_t value) { return put_whole(at, value); }
char* put_unsigned(char* at, uint64_t value) { return put_whole(at, value); }

char* put_decimal(char* at, int64_t digits, unsigned width, unsigned scale) {
  if (digits < 0) *at++ = '-';
  const uint64_t magnitude = digits < 0 ? -static_cast<uint64_t>(digits) : static_cast<uint64_t>(digits);
  if (scale == 0) return put_whole(at, magnitude);
  const uint64_t unit = kPowers[scale];
  if (width > scale) at = put_whole(at, magnitude / unit);
  *at++ = '.';
  return put_padded(at, magnitude % unit, static_cast<int>(scale));
}

char* put_wide_decimal(char* at, int64_t upper, uint64_t lower, unsigned width, unsigned scale) {
  Uint128 magnitude = static_cast<Uint128>(static_cast<uint64_t>(upper)) << 64 | lower;
  if (upper < 0) {
    *at++ = '-';
    magnitude = -magnitude;
  }
  if (scale == 0) return put_wide(at, magnitude);
  const Uint128 unit = power_of_ten(scale);
  if (width > scale) at = put_wide(at, magnitude / unit);
  *at++ = '.';
  return put_wide_padded(at, magnitude % unit, static_cast<int>(scale));
}

char* put_double(char* at, double value) {
  if (char* const end = put_short_decimal(at, value)) return end;
  if (char* const end = put_fixed(at, value)) return end;
  return put_shortest(at, value);
}
char* put_float(char* at, float value) { return put_shortest(at, value); }

char* put_date(char* at, int64_t days) {
  const Civil date = civil_from_days(days);
  if (date.year >= 0 && date.year <= 9999) {
    at = put_pair(put_pair(at, static_cast<unsigned>(date.year) / 100), static_cast<unsigned>(date.year) % 100);
  } else {
    if (date.year < 0) *at++ = '-';
    at = put_padded(at, static_cast<uint64_t>(std::abs(date.year)), std::abs(date.year) > 9999 ? 6 : 4);
  }
  *at++ = '-';
  at = put_pair(at, date.month);
  *at++ = '-';
  return put_pair(at, date.day);
}

char* put_timestamp(char* at, int64_t seconds, uint64_t nanos, int digits) {
  const int64_t days = (seconds >= 0 ? seconds : seconds - (kSecondsPerDay - 1)) / kSecondsPerDay;
  at = put_date(at, days);
  *at++ = ' ';
  at = put_clock(at, static_cast<uint32_t>(seconds - days * kSecondsPerDay));
  if (digits == 0) return at;
  if (digits == 6) return put_micros(at, static_cast<uint32_t>(nanos / 1000));
  *at++ = '.';
  for (int dropped = digits; dropped < 9; dropped += 3) nanos /= 1000;
  return put_padded(at, nanos, digits);
}

char* put_time(char* at, int64_t micros) {
  const auto value = static_cast<uint64_t>(micros);
  at = put_clock(at, static_cast<uint32_t>(value / 1000000));
  return value % 1000000 == 0 ? at : put_micros(at, static_cast<uint32_t>(value % 1000000));
}

}  // namespace osiris::worker::number_text
