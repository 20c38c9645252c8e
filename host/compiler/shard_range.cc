#include "host/compiler/shard_range.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/text.h"

namespace osiris {
namespace {

using std::chrono::year_month_day;

constexpr int kYearMax = 9999;

Error wrong(std::string message, std::string hint = {}) {
  return Error(Code::kInvalidArgument, std::move(message), std::move(hint));
}

Error too_many() {
  return wrong("the range has more than " + std::to_string(kShardsMax) + " values",
               "raise 'by', or split the pipeline");
}

// A number as digits and how many of them are behind the point: 1.50 is 150 and 2.
struct Decimal {
  int64_t digits = 0;
  int scale = 0;
};

std::optional<int64_t> whole(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Decimal> decimal_of(const Json& json) {
  std::string text = json.dump();
  const size_t point = text.find('.');
  Decimal decimal;
  if (point != std::string::npos) {
    while (text.ends_with('0')) text.pop_back();
    decimal.scale = static_cast<int>(text.size() - point - 1);
    text.erase(point, 1);
  }
  const auto digits = whole(text);  // not of 1e+20
  if (!digits) return std::nullopt;
  decimal.digits = *digits;
  return decimal;
}

bool rescale(Decimal& decimal, int scale) {
  for (; decimal.scale < scale; ++decimal.scale)
    if (__builtin_mul_overflow(decimal.digits, int64_t{10}, &decimal.digits)) return false;
  return true;
}

std::string text_of(const Decimal& decimal) {
  const bool negative = decimal.digits < 0;
  std::string text = std::to_string(decimal.digits).substr(negative ? 1 : 0);
  const auto scale = static_cast<size_t>(decimal.scale);
  if (text.size() <= scale) text.insert(0, scale + 1 - text.size(), '0');
  if (scale > 0) text.insert(text.size() - scale, ".");
  return (negative ? "-" : "") + text;
}

void add(std::vector<Shard>& shards, Json value, std::string text) {
  Shard shard{shards.size(), std::move(value), text, text};
  shards.push_back(std::move(shard));
}

Result<std::vector<Shard>> numbers(const Json& from_json, const Json& to_json, const Json& by_json) {
  const auto from = decimal_of(from_json), to = decimal_of(to_json);
  const auto by = decimal_of(by_json.is_null() ? Json(1) : by_json);
  const Error too_long = wrong("'from', 'to' and 'by' have more digits than a range counts with",
                               "together at most 18, without an exponent");
  if (!from || !to || !by) return too_long;
  if (by->digits <= 0) return wrong("'by' must be above 0, not " + by_json.dump(), "'from' is the least value");
  Decimal start = *from, end = *to, stride = *by;
  const int scale = std::max({start.scale, end.scale, stride.scale});
  int64_t width = 0;
  if (!rescale(start, scale) || !rescale(end, scale) || !rescale(stride, scale) ||
      __builtin_sub_overflow(end.digits, start.digits, &width))
    return too_long;
  if (width < 0) return wrong("'to' is less than 'from'", "'from' is the least value, 'to' the first beyond");
  const int64_t count = width / stride.digits + (width % stride.digits != 0);
  if (count > static_cast<int64_t>(kShardsMax)) return too_many();
  std::vector<Shard> shards;
  for (int64_t i = 0; i < count; ++i) {
    const Decimal value{start.digits + i * stride.digits, scale};
    const std::string text = text_of(value);
    if (scale == 0) {
      add(shards, value.digits, text);
    } else {
      OSIRIS_ASSIGN(Json number, parse_json(text));
      add(shards, std::move(number), text);
    }
  }
  return shards;
}

// "2025-01-31", or "2025-01" where `months`.
std::optional<year_month_day> day_of(const Json& json, bool months) {
  const std::string& text = json.as_string();
  const auto digits = [&](size_t at, size_t count) -> std::optional<int64_t> {
    const std::string_view part = std::string_view(text).substr(at, count);
    return part.starts_with('-') || part.starts_with('+') ? std::nullopt : whole(part);
  };
  if (text.size() != (months ? 7u : 10u) || text[4] != '-' || (!months && text[7] != '-')) return std::nullopt;
  const auto year = digits(0, 4), month = digits(5, 2), day = months ? std::optional<int64_t>(1) : digits(8, 2);
  if (!year || !month || !day || *year < 1) return std::nullopt;
  const year_month_day date{std::chrono::year(static_cast<int>(*year)),
                            std::chrono::month(static_cast<unsigned>(*month)),
                            std::chrono::day(static_cast<unsigned>(*day))};
  return date.ok() ? std::optional(date) : std::nullopt;
}

struct Stride {
  int64_t days = 0, months = 0;  // one of them
};

// "2 weeks"; a number counts days, of months months.
std::optional<Stride> stride_of(const Json& by, bool months) {
  if (by.is_null() || by.is_int()) {
    const int64_t count = by.as_int(1);
    return months ? Stride{0, count} : Stride{count, 0};
  }
  const std::string text = ascii_lower(by.as_string());
  const size_t digits = text.find_first_not_of("0123456789");
  const auto count = whole(std::string_view(text).substr(0, digits));
  if (!count || digits == std::string::npos || *count > kYearMax * 366) return std::nullopt;
  std::string_view unit = trim(std::string_view(text).substr(digits));
  if (unit.ends_with('s')) unit.remove_suffix(1);
  if (unit == "month") return Stride{0, *count};
  if (unit == "year") return Stride{0, *count * 12};
  if (!months && unit == "day") return Stride{*count, 0};
  if (!months && unit == "week") return Stride{*count * 7, 0};
  return std::nullopt;
}

// nullopt beyond the calendar.
std::optional<year_month_day> moved(year_month_day from, const Stride& stride, int64_t times) {
  int64_t by = 0;
  if (__builtin_mul_overflow(stride.days + stride.months, times, &by) || by > int64_t{kYearMax} * 366)
    return std::nullopt;
  if (stride.days > 0) {
    const year_month_day day = std::chrono::sys_days(from) + std::chrono::days(by);
    return static_cast<int>(day.year()) > kYearMax ? std::nullopt : std::optional(day);
  }
  const auto month = std::chrono::year_month(from.year(), from.month()) + std::chrono::months(by);
  if (static_cast<int>(month.year()) > kYearMax) return std::nullopt;
  const year_month_day day = month / from.day();
  return day.ok() ? day : year_month_day(month / std::chrono::last);
}

std::string text_of(year_month_day day, bool months) {
  char text[32];
  const int year = static_cast<int>(day.year());
  const auto month = static_cast<unsigned>(day.month());
  if (months)
    std::snprintf(text, sizeof text, "%04d-%02u", year, month);
  else
    std::snprintf(text, sizeof text, "%04d-%02u-%02u", year, month, static_cast<unsigned>(day.day()));
  return text;
}

Result<std::vector<Shard>> days(const Json& from_json, const Json& to_json, const Json& by, bool months) {
  const auto from = day_of(from_json, months), to = day_of(to_json, months);
  if (!from || !to) {
    const Json& bad = from ? to_json : from_json;
    return wrong("'" + bad.as_string() + "' is no " + (months ? "month" : "day") + " of the calendar",
                 months ? "write 'from' and 'to' alike: \"2025-01\""
                        : "write 'from' and 'to' alike: numbers, 2025-01-31, or \"2025-01\" for months");
  }
  const auto stride = stride_of(by, months);
  if (!stride || stride->days + stride->months <= 0)
    return wrong(
        "'by' must be a time to go on by, not " + by.dump(),
        months ? "write \"1 month\" or \"1 year\"" : "write \"1 day\", \"2 weeks\", \"1 month\" or \"1 year\"");
  if (std::chrono::sys_days(*to) < std::chrono::sys_days(*from))
    return wrong("'to' is before 'from'", "'from' is the first value, 'to' the first beyond");
  std::vector<Shard> shards;
  for (int64_t i = 0;; ++i) {
    const auto day = moved(*from, *stride, i);
    if (!day || std::chrono::sys_days(*day) >= std::chrono::sys_days(*to)) return shards;
    if (shards.size() == kShardsMax) return too_many();
    const std::string text = text_of(*day, months);
    add(shards, text, text);
  }
}

}  // namespace

Result<std::vector<Shard>> shards_of_range(const Json& from, const Json& to, const Json& by) {
  if (from.is_number() && to.is_number() && (by.is_number() || by.is_null())) return numbers(from, to, by);
  if (from.is_string() && to.is_string() && (by.is_string() || by.is_int() || by.is_null()))
    return days(from, to, by, from.as_string().size() == 7);
  return wrong("'from', 'to' and 'by' of a range must be numbers, or days, or months",
               "write {from: 0, to: 100, by: 10} or {from: 2025-01-01, to: 2026-01-01, by: 1 month}");
}

}  // namespace osiris
