#include "worker/drivers/mysql.extractor/values.h"

#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris::worker::mysql {
namespace {

constexpr int64_t kSecond_us = 1'000'000;
constexpr int64_t kDay_us = 86400 * kSecond_us;
constexpr uint32_t kTimeDaysMax = 34;  // 838:59:59
constexpr uint16_t kYearMax = 9999;

const unsigned char* data_of(Bytes bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

// Hour, minute, second and, if there are four bytes more, microseconds. -1 when a part is out of range.
int64_t clock_us(const unsigned char* at, bool has_micros) {
  const int64_t micros = has_micros ? fixed<uint32_t>(at + 3) : 0;
  if (at[0] > 23 || at[1] > 59 || at[2] > 59 || micros >= kSecond_us) return -1;
  return ((at[0] * 60 + at[1]) * 60 + at[2]) * kSecond_us + micros;
}

// Since 1970-01-01. Centuries of the year that begins on 1 March make the leap days; nullopt: there is no such day.
std::optional<int32_t> day_number(uint32_t year, uint32_t month, uint32_t day) {
  constexpr uint8_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year > kYearMax || month - 1 > 11 || day - 1 > 30) return std::nullopt;
  const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  if (day > kDays[month - 1] + (month == 2 && is_leap ? 1u : 0u)) return std::nullopt;
  const uint32_t shifted = year + 400 - (month <= 2 ? 1 : 0);  // so that it is never negative
  const uint32_t century = shifted / 100, months = month <= 2 ? month + 9 : month - 3;
  const uint32_t days = 1461 * shifted / 4 - century + century / 4 + (153 * months + 2) / 5 + day - 1;
  constexpr int32_t kDaysBefore = 719468 + 146097;  // from 1 March of the year -400
  return static_cast<int32_t>(days) - kDaysBefore;
}

}  // namespace

std::optional<uint64_t> read_length(const unsigned char*& at, const unsigned char* end) {
  if (at >= end) return std::nullopt;
  const unsigned char first = *at;
  const size_t more = first < 251 ? 0 : first == 252 ? 2 : first == 253 ? 3 : first == 254 ? 8 : SIZE_MAX;
  if (more == SIZE_MAX || static_cast<size_t>(end - at) < 1 + more) return std::nullopt;
  uint64_t length = first;
  if (more > 0) {
    length = 0;
    std::memcpy(&length, at + 1, more);
  }
  at += 1 + more;
  if (length > static_cast<uint64_t>(end - at)) return std::nullopt;
  return length;
}

std::optional<int32_t> date_value(Bytes bytes) {
  const unsigned char* at = data_of(bytes);
  if (bytes.size() != 4 && bytes.size() != 7 && bytes.size() != 11) return std::nullopt;
  if (bytes.size() > 4 && clock_us(at + 4, bytes.size() == 11) != 0) return std::nullopt;
  return day_number(fixed<uint16_t>(at), at[2], at[3]);
}

std::optional<int64_t> datetime_value(Bytes bytes) {
  const auto days = date_value(bytes.substr(0, 4));
  if (!days) return std::nullopt;
  if (bytes.size() == 4) return *days * kDay_us;
  if (bytes.size() != 7 && bytes.size() != 11) return std::nullopt;
  const int64_t time_us = clock_us(data_of(bytes) + 4, bytes.size() == 11);
  if (time_us < 0) return std::nullopt;
  return *days * kDay_us + time_us;
}

std::optional<duckdb_interval> time_value(Bytes bytes) {
  if (bytes.empty()) return duckdb_interval{0, 0, 0};
  if (bytes.size() != 8 && bytes.size() != 12) return std::nullopt;
  const unsigned char* at = data_of(bytes);
  const int64_t time_us = clock_us(at + 5, bytes.size() == 12);
  const uint32_t days = fixed<uint32_t>(at + 1);
  if (time_us < 0 || at[0] > 1 || days > kTimeDaysMax) return std::nullopt;
  const int64_t span_us = days * kDay_us + time_us;
  return duckdb_interval{0, 0, at[0] == 1 ? -span_us : span_us};
}

std::optional<Int128> decimal_value(Bytes text, unsigned digits, unsigned scale) {
  const bool is_negative = !text.empty() && text[0] == '-';
  if (is_negative || (!text.empty() && text[0] == '+')) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  // The first 18 digits fit 64 bits, where arithmetic is much quicker.
  Uint128 wide = 0;
  uint64_t narrow = 0;
  unsigned count = 0, in_narrow = 0, after_point = 0;
  bool is_after_point = false;
  uint64_t unit = 1;
  const auto add = [&](unsigned digit) {
    if (count > 0 || digit > 0) ++count;
    if (++in_narrow > 18) {
      wide = wide * unit + narrow;
      narrow = 0, unit = 1, in_narrow = 1;
    }
    narrow = narrow * 10 + digit;
    unit *= 10;
  };
  for (const char c : text) {
    if (c == '.' && !is_after_point) {
      is_after_point = true;
      continue;
    }
    const unsigned digit = static_cast<unsigned char>(c) - unsigned{'0'};
    if (digit > 9) return std::nullopt;
    if (is_after_point && ++after_point > scale) {
      if (digit != 0) return std::nullopt;
      continue;
    }
    add(digit);
    if (count > digits) return std::nullopt;
  }
  for (; after_point < scale; ++after_point) add(0);
  if (count > digits) return std::nullopt;
  const auto value = static_cast<Int128>(wide * unit + narrow);
  return is_negative ? -value : value;
}

bool is_utf8(Bytes text) {
  // Nearly all text is ASCII: eight bytes at a time until it is not.
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    if (fixed<uint64_t>(data_of(text) + i) & 0x8080808080808080u) return is_valid_utf8(text.substr(i));
  }
  for (; i < text.size(); ++i) {
    if (static_cast<unsigned char>(text[i]) >= 0x80) return is_valid_utf8(text.substr(i));
  }
  return true;
}

}  // namespace osiris::worker::mysql
