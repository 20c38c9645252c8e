// Plain scalars of YAML 1.1, as PyYAML's safe loader resolves and constructs them. Hand-written matchers: the grammar
// is small, and a regular expression would recurse once per character.
#include "host/compat/pyyaml_scalar.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>

namespace osiris {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Walks over `text`; every take_* moves past what it matched.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}
  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take_any(std::string_view set) {
    if (at_end() || set.find(text_[at_]) == std::string_view::npos) return false;
    ++at_;
    return true;
  }
  // As many of `set` as there are; returns how many.
  size_t take_run(std::string_view set) {
    const size_t start = at_;
    while (take_any(set)) {
    }
    return at_ - start;
  }
  // Between `least` and `most` digits; returns them, or nothing when there are fewer.
  std::string_view take_digits(size_t least, size_t most) {
    const size_t start = at_;
    while (at_ - start < most && is_digit(peek())) ++at_;
    if (at_ - start < least) at_ = start;
    return text_.substr(start, at_ - start);
  }
  std::string_view rest() const { return text_.substr(at_); }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kDigitsUnderscore = "0123456789_";

std::optional<bool> match_bool(std::string_view text) {
  for (const char* word : {"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
    if (text == word) return true;
  for (const char* word : {"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})
    if (text == word) return false;
  return std::nullopt;
}

bool match_null(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

// (":" [0-5]?[0-9])+
bool take_sexagesimal_tail(Cursor& cursor) {
  bool any = false;
  while (cursor.take(':')) {
    const char first = cursor.peek();
    if (!is_digit(first)) return false;
    cursor.take(first);
    if (is_digit(cursor.peek())) {
      if (first > '5') return false;
      cursor.take(cursor.peek());
    }
    any = true;
  }
  return any;
}

bool match_float(std::string_view text) {
  {
    Cursor c(text);
    c.take_any("+-");
    for (const char* word : {".inf", ".Inf", ".INF"})
      if (c.rest() == word) return true;
    for (const char* word : {".nan", ".NaN", ".NAN"})
      if (text == word) return true;
  }
  auto take_exponent = [](Cursor& c) {
    if (c.at_end()) return true;
    return c.take_any("eE") && c.take_any("+-") && c.take_run(kDigits) > 0 && c.at_end();
  };
  {
    Cursor c(text);
    c.take_any("+-");
    if (is_digit(c.peek())) {
      c.take_run(kDigitsUnderscore);
      if (c.take('.')) {
        c.take_run(kDigitsUnderscore);
        return take_exponent(c);
      }
      return take_sexagesimal_tail(c) && c.take('.') && (c.take_run(kDigitsUnderscore), c.at_end());
    }
  }
  Cursor c(text);
  if (!c.take('.') || !is_digit(c.peek())) return false;
  c.take_run(kDigitsUnderscore);
  return take_exponent(c);
}

bool match_int(std::string_view text) {
  Cursor c(text);
  c.take_any("+-");
  if (c.take('0')) {
    if (c.at_end()) return true;
    if (c.take('b')) return c.take_run("01_") > 0 && c.at_end();
    if (c.take('x')) return c.take_run("0123456789abcdefABCDEF_") > 0 && c.at_end();
    return c.take_run("01234567_") > 0 && c.at_end();
  }
  if (!is_digit(c.peek())) return false;
  c.take_run(kDigitsUnderscore);
  return c.at_end() || (take_sexagesimal_tail(c) && c.at_end());
}

Error unusable(std::string_view text, std::string why) {
  return Error(Code::kInvalidArgument, "'" + std::string(text.substr(0, 60)) + "' " + std::move(why),
               "put it in quotes if text is meant");
}

std::string without_underscores(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != '_') out += c;
  return out;
}

// Digits of `base`, which may be empty only by being an error.
std::optional<uint64_t> parse_magnitude(std::string_view digits, int base) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::optional<uint64_t> parse_sexagesimal(std::string_view digits) {
  uint64_t value = 0;
  while (true) {
    const size_t colon = digits.find(':');
    const auto part = parse_magnitude(digits.substr(0, colon), 10);
    if (!part || __builtin_mul_overflow(value, uint64_t{60}, &value) || __builtin_add_overflow(value, *part, &value))
      return std::nullopt;
    if (colon == std::string_view::npos) return value;
    digits.remove_prefix(colon + 1);
  }
}

Result<PlainScalar> construct_int(std::string_view text) {
  const std::string digits = without_underscores(text);
  std::string_view rest = digits;
  const bool negative = rest.starts_with('-');
  if (rest.starts_with('-') || rest.starts_with('+')) rest.remove_prefix(1);
  std::optional<uint64_t> value;
  if (rest == "0")
    value = 0;
  else if (rest.starts_with("0b"))
    value = parse_magnitude(rest.substr(2), 2);
  else if (rest.starts_with("0x"))
    value = parse_magnitude(rest.substr(2), 16);
  else if (rest.starts_with('0'))
    value = parse_magnitude(rest, 8);
  else if (rest.find(':') != std::string_view::npos)
    value = parse_sexagesimal(rest);
  else
    value = parse_magnitude(rest, 10);
  constexpr uint64_t kSmallest = uint64_t{1} << 63;
  if (!value || (negative && *value > kSmallest)) return unusable(text, "is not an integer of 64 bits");
  if (!negative) return PlainScalar{PlainScalar::Kind::kInt, Json(*value)};
  return PlainScalar{PlainScalar::Kind::kInt, Json(static_cast<int64_t>(~*value + 1))};
}

Result<PlainScalar> construct_float(std::string_view text) {
  const std::string digits = without_underscores(text);
  std::string_view rest = digits;
  const double sign = rest.starts_with('-') ? -1 : 1;
  if (rest.starts_with('-') || rest.starts_with('+')) rest.remove_prefix(1);
  auto parse = [](std::string_view number) {
    // The matcher has left digits, a point and an exponent only; an out-of-range number becomes infinite, as in Python.
    return std::strtod(std::string(number).c_str(), nullptr);
  };
  double value = 0;
  if (rest.size() == 4 && !is_digit(rest[1]) && rest[0] == '.') {
    value = HUGE_VAL;
  } else if (rest.find(':') != std::string_view::npos) {
    while (true) {
      const size_t colon = rest.find(':');
      value = value * 60 + parse(rest.substr(0, colon));
      if (colon == std::string_view::npos) break;
      rest.remove_prefix(colon + 1);
    }
  } else {
    value = parse(rest);
  }
  if (!std::isfinite(value)) return unusable(text, "is not a finite number, which JSON cannot hold");
  return PlainScalar{PlainScalar::Kind::kFloat, Json(sign * value)};
}

// The parts of a timestamp, as written.
struct Timestamp {
  std::string_view year, month, day, hour, minute, second, fraction, zone_sign, zone_hour, zone_minute;
  bool has_time = false, utc = false;
};

std::optional<Timestamp> match_timestamp(std::string_view text) {
  Timestamp t;
  Cursor c(text);
  t.year = c.take_digits(4, 4);
  if (t.year.empty() || !c.take('-')) return std::nullopt;
  t.month = c.take_digits(1, 2);
  if (t.month.empty() || !c.take('-')) return std::nullopt;
  t.day = c.take_digits(1, 2);
  if (t.day.empty()) return std::nullopt;
  if (c.at_end()) return t.month.size() == 2 && t.day.size() == 2 ? std::optional(t) : std::nullopt;
  if (!c.take_any("Tt") && c.take_run(" \t") == 0) return std::nullopt;
  t.has_time = true;
  t.hour = c.take_digits(1, 2);
  if (t.hour.empty() || !c.take(':')) return std::nullopt;
  t.minute = c.take_digits(2, 2);
  if (t.minute.empty() || !c.take(':')) return std::nullopt;
  t.second = c.take_digits(2, 2);
  if (t.second.empty()) return std::nullopt;
  if (c.take('.')) t.fraction = c.take_digits(0, text.size());
  c.take_run(" \t");
  if (c.at_end())
    return c.rest().data() != nullptr && text.find_last_of(" \t") == text.size() - 1 ? std::nullopt : std::optional(t);
  if (c.take('Z')) {
    t.utc = true;
    return c.at_end() ? std::optional(t) : std::nullopt;
  }
  const std::string_view rest = c.rest();
  if (!c.take_any("+-")) return std::nullopt;
  t.zone_sign = rest.substr(0, 1);
  t.zone_hour = c.take_digits(1, 2);
  if (t.zone_hour.empty()) return std::nullopt;
  if (c.take(':')) {
    t.zone_minute = c.take_digits(2, 2);
    if (t.zone_minute.empty()) return std::nullopt;
  }
  return c.at_end() ? std::optional(t) : std::nullopt;
}

int number(std::string_view digits) {
  int value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

std::string two(int value) { return (value < 10 ? "0" : "") + std::to_string(value); }

// The text Python's str() gives for the date or datetime.
Result<PlainScalar> construct_timestamp(const Timestamp& t, std::string_view text) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const int year = number(t.year), month = number(t.month), day = number(t.day);
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > kDays[month - 1] + (month == 2 && leap ? 1 : 0))
    return unusable(text, "looks like a date but is none");
  std::string out = std::string(t.year) + "-" + two(month) + "-" + two(day);
  if (!t.has_time) return PlainScalar{PlainScalar::Kind::kTimestamp, Json(out)};
  const int hour = number(t.hour), minute = number(t.minute), second = number(t.second);
  const int zone_hour = number(t.zone_hour), zone_minute = number(t.zone_minute);
  if (hour > 23 || minute > 59 || second > 59 || zone_hour * 60 + zone_minute >= 24 * 60)
    return unusable(text, "looks like a date with a time but is none");
  out += " " + two(hour) + ":" + two(minute) + ":" + two(second);
  std::string micros(t.fraction.substr(0, 6));
  micros.resize(6, '0');
  if (micros != "000000") out += "." + micros;
  if (t.utc) out += "+00:00";
  if (!t.zone_sign.empty()) {
    const int zone = zone_hour * 60 + zone_minute;
    out += (t.zone_sign == "-" && zone > 0 ? "-" : "+") + two(zone / 60) + ":" + two(zone % 60);
  }
  return PlainScalar{PlainScalar::Kind::kTimestamp, Json(out)};
}

}  // namespace

Result<PlainScalar> resolve_plain_scalar(std::string_view text) {
  if (match_null(text)) return PlainScalar{PlainScalar::Kind::kNull, Json()};
  if (const auto value = match_bool(text)) return PlainScalar{PlainScalar::Kind::kBool, Json(*value)};
  if (match_float(text)) return construct_float(text);
  if (match_int(text)) return construct_int(text);
  if (const auto timestamp = match_timestamp(text)) return construct_timestamp(*timestamp, text);
  return PlainScalar{PlainScalar::Kind::kString, Json(text)};
}

bool is_read_otherwise(std::string_view text) {
  if (const auto value = match_bool(text)) return text.size() != (*value ? 4u : 5u);
  if (!match_int(text) && !match_float(text)) return false;
  if (text.find(':') != std::string_view::npos) return true;
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return text.size() > 1 && text[0] == '0' && text.find_first_not_of("01234567_") == std::string_view::npos;
}

}  // namespace osiris
