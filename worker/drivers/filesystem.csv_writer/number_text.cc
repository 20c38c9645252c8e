#include "worker/drivers/filesystem.csv_writer/number_text.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string_view>

namespace osiris::worker::csv_out {
namespace {

// Powers of ten at which repr() changes to the exponent form.
constexpr int kExponentMin = -4;
constexpr int kExponentMax = 16;

template <class Integer>
void append_whole(std::string& out, Integer value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void append_padded(std::string& out, uint64_t value, int width) {
  char digits[24];
  for (int i = width - 1; i >= 0; --i, value /= 10) digits[i] = static_cast<char>('0' + value % 10);
  out.append(digits, static_cast<size_t>(width));
}

// Money and measurements have few decimals. If value * 10000 is a whole number of at most 15 digits that divides back
// to value, its digits are the shortest ones: two decimals of up to 15 digits never share a double.
bool append_short_decimal(std::string& out, double value) {
  constexpr double kScale = 10000;
  const double magnitude = std::abs(value);
  if (!(magnitude < 1e11) || magnitude < 1e-3) return false;
  const double scaled = std::nearbyint(magnitude * kScale);
  if (scaled / kScale != magnitude) return false;
  const auto whole = static_cast<uint64_t>(scaled);
  if (value < 0) out += '-';
  append_whole(out, whole / 10000);
  out += '.';
  uint64_t fraction = whole % 10000;
  int width = 4;
  while (width > 1 && fraction % 10 == 0) fraction /= 10, --width;
  append_padded(out, fraction, width);
  return true;
}

template <class Floating>
void append_shortest(std::string& out, Floating value) {
  if (std::isinf(value)) {
    out += value < 0 ? "-inf" : "inf";
    return;
  }
  if (value == 0) {
    out += std::signbit(value) ? "-0.0" : "0.0";
    return;
  }
  char text[64];
  const char* end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  std::string_view shown(text, static_cast<size_t>(end - text));
  if (shown.front() == '-') {
    out += '-';
    shown.remove_prefix(1);
  }
  const size_t e = shown.find('e');
  int exponent = 0;
  const char* digits_of_exponent = shown.data() + e + (shown[e + 1] == '+' ? 2 : 1);
  std::from_chars(digits_of_exponent, shown.data() + shown.size(), exponent);
  const std::string_view first = shown.substr(0, 1);
  const std::string_view rest = e > 2 ? shown.substr(2, e - 2) : std::string_view();
  // A float may be below 1e-4 and its shortest digits at it; NumPy looks at the number.
  if (static_cast<double>(std::abs(value)) < 1e-4 || exponent < kExponentMin || exponent >= kExponentMax) {
    out += first;
    if (!rest.empty()) (out += '.') += rest;
    out += exponent < 0 ? "e-" : "e+";
    append_padded(out, static_cast<uint64_t>(std::abs(exponent)), std::abs(exponent) < 100 ? 2 : 3);
  } else if (exponent < 0) {
    out += "0.";
    out.append(static_cast<size_t>(-exponent - 1), '0');
    (out += first) += rest;
  } else {
    const auto point = static_cast<size_t>(exponent);
    out += first;
    out += rest.substr(0, point);
    if (rest.size() < point) out.append(point - rest.size(), '0');
    out += '.';
    out += rest.size() > point ? rest.substr(point) : std::string_view("0");
  }
}

struct Civil {
  int64_t year;
  unsigned month, day;
};

// Days since 1970-01-01 to the proleptic Gregorian calendar, by eras of 400 years that begin on 1 March.
Civil civil_from_days(int64_t days) {
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146097);
  const unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted_month = (5 * day_of_year + 2) / 153;
  const unsigned month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  return {static_cast<int64_t>(year_of_era) + era * 400 + (month <= 2), month,
          day_of_year - (153 * shifted_month + 2) / 5 + 1};
}

void append_clock(std::string& out, uint64_t seconds) {
  append_padded(out, seconds / 3600, 2);
  out += ':';
  append_padded(out, seconds / 60 % 60, 2);
  out += ':';
  append_padded(out, seconds % 60, 2);
}

}  // namespace

void append_integer(std::string& out, int64_t value) { append_whole(out, value); }
void append_unsigned(std::string& out, uint64_t value) { append_whole(out, value); }

void append_double(std::string& out, double value) {
  if (!append_short_decimal(out, value)) append_shortest(out, value);
}
void append_float(std::string& out, float value) { append_shortest(out, value); }

void append_date(std::string& out, int64_t days) {
  const Civil date = civil_from_days(days);
  if (date.year < 0) out += '-';
  append_padded(out, static_cast<uint64_t>(std::abs(date.year)), std::abs(date.year) > 9999 ? 6 : 4);
  out += '-';
  append_padded(out, date.month, 2);
  out += '-';
  append_padded(out, date.day, 2);
}

void append_timestamp(std::string& out, int64_t seconds, uint64_t nanos, int digits) {
  const int64_t days = (seconds >= 0 ? seconds : seconds - (kSecondsPerDay - 1)) / kSecondsPerDay;
  append_date(out, days);
  out += ' ';
  append_clock(out, static_cast<uint64_t>(seconds - days * kSecondsPerDay));
  if (digits == 0) return;
  out += '.';
  for (int dropped = digits; dropped < 9; dropped += 3) nanos /= 1000;
  append_padded(out, nanos, digits);
}

void append_time(std::string& out, int64_t micros) {
  const auto value = static_cast<uint64_t>(micros);
  append_clock(out, value / 1000000);
  if (value % 1000000 == 0) return;
  out += '.';
  append_padded(out, value % 1000000, 6);
}

}  // namespace osiris::worker::csv_out
