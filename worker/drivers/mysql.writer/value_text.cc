#include "worker/drivers/mysql.writer/value_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "protocol/base/text.h"

namespace osiris::worker::mysql {
namespace {

constexpr int64_t kDayFirst = -719162, kDayLast = 2932896;  // 0001-01-01 and 9999-12-31, since 1970-01-01
constexpr int64_t kSecond_us = 1'000'000;
constexpr int64_t kDay_us = number_text::kSecondsPerDay * kSecond_us;
constexpr char kNoYear[] = "the date is not between the years 1 and 9999";

template <class Value>
Value at(const void* data, size_t row) {
  return static_cast<const Value*>(data)[row];
}

// As many digits after the point, trailing zeros left out.
size_t fraction_digits(std::string_view text) {
  const size_t point = text.find('.');
  if (point == std::string_view::npos) return 0;
  while (text.ends_with('0')) text.remove_suffix(1);
  return text.size() - point - 1;
}

// "-838:59:59.999999" at most: an interval of days or months is written otherwise.
bool is_time(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon > 3) return false;
  unsigned hours = 0;
  for (const char c : text.substr(0, colon)) {
    if (c < '0' || c > '9') return false;
    hours = hours * 10 + static_cast<unsigned>(c - '0');
  }
  return hours <= 838;
}

// Each of them once, in their order.
bool is_set_of(const std::vector<std::string>& labels, std::string_view value) {
  if (value.empty()) return true;
  auto next = labels.begin();
  for (const std::string& one : split(value, ',')) {
    next = std::find(next, labels.end(), one);
    if (next++ == labels.end()) return false;
  }
  return true;
}

bool is_finer(int64_t micros, const ColumnPlan& plan) {
  int64_t unit = 1;
  for (int digits = plan.fraction_digits; digits < 6; ++digits) unit *= 10;
  return micros % unit != 0;
}

std::string finer_than(const ColumnPlan& plan) { return "the time is finer than " + plan.type_name; }

// DOUBLE(10,2) shows two digits, whatever the server's own arithmetic makes of those behind them (of -0.07 it keeps
// -0.06999999999999995): a number fits that is the one it shows.
bool is_rounded(const ColumnPlan& plan, double value) {
  if (plan.scale_max < 0) return false;
  char text[512];
  double shown = 0;
  const auto [end, error] = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, plan.scale_max);
  if (error != std::errc() || std::from_chars(text, end, shown).ec != std::errc()) return true;
  return plan.form == ValueForm::kFloat ? static_cast<float>(shown) != static_cast<float>(value) : shown != value;
}

char* put_float(const ColumnPlan& plan, double value, char* room, std::string& why) {
  if (!std::isfinite(value)) {
    why = "the number is NaN or infinite, which MySQL does not have";
  } else if (is_rounded(plan, value)) {
    why = "the number has more digits than " + plan.type_name;
  }
  return why.empty() ? number_text::put_double(room, value) : room;
}

// As if it had one digit more before the point, so that there is always one.
char* put_decimal(const ColumnType& type, const void* data, size_t row, char* room) {
  const unsigned width = type.width + 1u, scale = type.scale;
  if (type.width <= 4) return number_text::put_decimal(room, at<int16_t>(data, row), width, scale);
  if (type.width <= 9) return number_text::put_decimal(room, at<int32_t>(data, row), width, scale);
  if (type.width <= 18) return number_text::put_decimal(room, at<int64_t>(data, row), width, scale);
  const auto wide = at<duckdb_hugeint>(data, row);
  return number_text::put_wide_decimal(room, wide.upper, wide.lower, width, scale);
}

char* put_day(int64_t days, char* room, std::string& why) {
  if (days < kDayFirst || days > kDayLast) why = kNoYear;
  return why.empty() ? number_text::put_date(room, days) : room;
}

char* put_moment(const ColumnPlan& plan, int64_t micros, char* room, std::string& why) {
  if (micros < kDayFirst * kDay_us || micros >= (kDayLast + 1) * kDay_us) {
    why = kNoYear;
  } else if (is_finer(micros, plan)) {
    why = finer_than(plan);
  }
  if (!why.empty()) return room;
  const int64_t fraction = (micros % kSecond_us + kSecond_us) % kSecond_us;
  return number_text::put_timestamp(room, (micros - fraction) / kSecond_us, static_cast<uint64_t>(fraction) * 1000,
                                    fraction == 0 ? 0 : 6);
}

char* put_clock(const ColumnPlan& plan, int64_t micros, char* room, std::string& why) {
  if (is_finer(micros, plan)) why = finer_than(plan);
  return number_text::put_time(room, micros);
}

// Null: the value is a text, or bytes, as it is.
char* put(const ColumnPlan& plan, const void* data, size_t row, char* room, std::string& why) {
  switch (plan.source.id) {
    case DUCKDB_TYPE_BOOLEAN:
      return number_text::put_integer(room, at<bool>(data, row) ? 1 : 0);
    case DUCKDB_TYPE_TINYINT:
      return number_text::put_integer(room, at<int8_t>(data, row));
    case DUCKDB_TYPE_SMALLINT:
      return number_text::put_integer(room, at<int16_t>(data, row));
    case DUCKDB_TYPE_INTEGER:
      return number_text::put_integer(room, at<int32_t>(data, row));
    case DUCKDB_TYPE_BIGINT:
      return number_text::put_integer(room, at<int64_t>(data, row));
    case DUCKDB_TYPE_UTINYINT:
      return number_text::put_unsigned(room, at<uint8_t>(data, row));
    case DUCKDB_TYPE_USMALLINT:
      return number_text::put_unsigned(room, at<uint16_t>(data, row));
    case DUCKDB_TYPE_UINTEGER:
      return number_text::put_unsigned(room, at<uint32_t>(data, row));
    case DUCKDB_TYPE_UBIGINT:
      return number_text::put_unsigned(room, at<uint64_t>(data, row));
    case DUCKDB_TYPE_FLOAT:
      // The shortest text of a FLOAT is another number once it is a DOUBLE, which servers make of it first; of the
      // greatest one it is none of theirs.
      return put_float(plan, static_cast<double>(at<float>(data, row)), room, why);
    case DUCKDB_TYPE_DOUBLE:
      return put_float(plan, at<double>(data, row), room, why);
    case DUCKDB_TYPE_DECIMAL:
      return put_decimal(plan.source, data, row, room);
    case DUCKDB_TYPE_DATE:
      return put_day(at<int32_t>(data, row), room, why);
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ:  // in UTC, which the session's time zone is
      return put_moment(plan, at<int64_t>(data, row), room, why);
    case DUCKDB_TYPE_TIME:
      return put_clock(plan, at<int64_t>(data, row), room, why);
    default:
      return nullptr;
  }
}

}  // namespace

std::string why_unfit(const ColumnPlan& plan, std::string_view value) {
  switch (plan.check) {
    case Check::kNumber:
      if (plan.scale_max >= 0 && fraction_digits(value) > static_cast<size_t>(plan.scale_max))
        return "the number has more digits than " + plan.type_name;
      return {};
    case Check::kYear:
      return value.size() == 4 && value >= "1901" && value <= "2155" ? "" : "the year is not between 1901 and 2155";
    case Check::kLabel:
      return std::find(plan.labels.begin(), plan.labels.end(), value) == plan.labels.end()
                 ? "the text is no label of " + plan.type_name
                 : "";
    case Check::kLabels:
      return is_set_of(plan.labels, value) ? ""
                                           : "the text is no list of labels of " + plan.type_name + " in their order";
    case Check::kFloat:
      return value == "nan" || value == "-nan" || value == "inf" || value == "-inf"
                 ? "the number is NaN or infinite, which MySQL does not have"
                 : "";
    case Check::kDate:
      // "2024-01-01", and not "infinity", "0044-03-15 (BC)" or "12024-01-01".
      if (value.size() < 10 || value[4] != '-' || value.find("(BC)") != std::string_view::npos)
        return "the date is not between the years 1 and 9999";
      return fraction_digits(value) > static_cast<size_t>(plan.fraction_digits)
                 ? "the time is finer than " + plan.type_name
                 : "";
    case Check::kTime:
      if (!is_time(value)) return "the time is not between -838:59:59 and 838:59:59";
      return fraction_digits(value) > static_cast<size_t>(plan.fraction_digits)
                 ? "the time is finer than " + plan.type_name
                 : "";
    case Check::kNone:
    case Check::kText:
    case Check::kBytes:
      break;
  }
  return {};
}

bool has_text(const ColumnType& type) {
  switch (type.id) {
    case DUCKDB_TYPE_BOOLEAN:
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DOUBLE:
    case DUCKDB_TYPE_DECIMAL:
    case DUCKDB_TYPE_DATE:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
    case DUCKDB_TYPE_TIME:
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_BLOB:
      return true;
    default:
      return false;
  }
}

std::string_view text_of(const ColumnPlan& plan, const void* data, size_t row, char* room, std::string& why) {
  std::string_view value;
  if (const char* const end = plan.expression.empty() ? put(plan, data, row, room, why) : nullptr) {
    value = {room, static_cast<size_t>(end - room)};
    // What put() has not looked at.
    const bool is_checked = plan.check != Check::kNumber && plan.check != Check::kYear;
    if (is_checked || !why.empty()) return value;
  } else {
    const auto& text = static_cast<const duckdb_string_t*>(data)[row].value;
    value = {text.inlined.length <= 12 ? text.inlined.inlined : text.pointer.ptr, text.inlined.length};
  }
  why = why_unfit(plan, value);
  return value;
}

}  // namespace osiris::worker::mysql
