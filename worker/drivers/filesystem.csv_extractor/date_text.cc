#include "worker/drivers/filesystem.csv_extractor/date_text.h"

namespace osiris::worker::csv {
namespace {

constexpr int64_t kSecondsPerDay = 86400;
constexpr int kPivotYear = 69;  // of two digits: from here on of the century before
constexpr size_t kFractionDigitsMax = 9;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes what is asked for from the front of a text.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}
  bool at_end() const { return rest_.empty(); }
  char front() const { return rest_.empty() ? '\0' : rest_.front(); }
  size_t digits() const {
    size_t count = 0;
    while (count < rest_.size() && is_digit(rest_[count])) ++count;
    return count;
  }
  bool take(char c) {
    if (front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  // A number that has at least and at most so many digits, and no further one.
  bool number(size_t digits_min, size_t digits_max, int& value) {
    const size_t count = digits();
    if (count < digits_min || count > digits_max) return false;
    value = 0;
    for (size_t i = 0; i < count; ++i) value = value * 10 + (rest_[i] - '0');
    rest_.remove_prefix(count);
    return true;
  }
  std::string_view take_digits(size_t count) {
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

 private:
  std::string_view rest_;
};

struct Day {
  int year = 0, month = 0, day = 0;
};

bool is_of_calendar(const Day& day) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (day.year < 1 || day.month < 1 || day.month > 12 || day.day < 1) return false;
  const bool leap = day.year % 4 == 0 && (day.year % 100 != 0 || day.year % 400 == 0);
  return day.day <= kDays[day.month - 1] + (day.month == 2 && leap);
}

// Since 1970-01-01, by eras of 400 years that begin on 1 March.
int64_t days_since_epoch(const Day& day) {
  const int64_t year = day.year - (day.month <= 2);
  const int64_t era = year / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (day.month + (day.month > 2 ? -3 : 9)) + 2) / 5 + day.day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

bool read_month_first(Cursor& text, Day& day) {
  if (!text.number(1, 2, day.month) || !text.take('/') || !text.number(1, 2, day.day) || !text.take('/')) return false;
  const size_t digits = text.digits();
  if (digits != 2 && digits != 4) return false;
  if (!text.number(2, 4, day.year)) return false;
  if (digits == 2) day.year += day.year < kPivotYear ? 2000 : 1900;
  return true;
}

bool read_year_first(Cursor& text, Day& day) {
  if (!text.number(4, 4, day.year)) return false;
  const char separator = text.front();
  if (separator != '-' && separator != '/') return false;
  return text.take(separator) && text.number(1, 2, day.month) && text.take(separator) && text.number(1, 2, day.day);
}

bool read_day(Cursor& text, Day& day) {
  const size_t digits = text.digits();
  if (digits == 8) {
    int number = 0;
    text.number(8, 8, number);
    day = {number / 10000, number / 100 % 100, number % 100};
  } else if (!(digits == 4 ? read_year_first(text, day) : read_month_first(text, day))) {
    return false;
  }
  return is_of_calendar(day);
}

// 4:10, 04:10:00, 04:10:00.123456789.
bool read_time(Cursor& text, DateText& date) {
  int hour = 0, minute = 0, second = 0;
  if (!text.number(1, 2, hour) || !text.take(':') || !text.number(2, 2, minute)) return false;
  if (text.take(':')) {
    if (!text.number(2, 2, second)) return false;
    if (text.take('.')) {
      const size_t digits = text.digits();
      if (digits == 0 || digits > kFractionDigitsMax) return false;
      int nanos = 0;
      for (const char c : text.take_digits(digits)) nanos = nanos * 10 + (c - '0');
      for (size_t i = digits; i < kFractionDigitsMax; ++i) nanos *= 10;
      date.micros += nanos / 1000;
      date.nanos = nanos % 1000;
    }
  }
  date.micros += (int64_t{hour} * 3600 + minute * 60 + second) * 1'000'000;
  return hour < 24 && minute < 60 && second < 60;
}

// What is left after the time: nothing, or an offset.
bool read_offset(Cursor& text, DateText& date) {
  if (text.at_end()) return true;
  text.take(' ');
  if (text.take('Z') || text.take("UTC")) {
    date.offset_minutes = 0;
    return text.at_end();
  }
  const bool west = text.front() == '-';
  if (!text.take('+') && !text.take('-')) return false;
  int hours = 0, minutes = 0;
  if (text.digits() == 4) {
    text.number(4, 4, hours);
    minutes = hours % 100;
    hours /= 100;
  } else if (!text.number(2, 2, hours) || (text.take(':') && !text.number(2, 2, minutes))) {
    return false;
  }
  if (hours > 23 || minutes > 59) return false;
  date.offset_minutes = (hours * 60 + minutes) * (west ? -1 : 1);
  return text.at_end();
}

std::string_view without_blanks(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

std::optional<int64_t> DateText::since_epoch_nanos() const {
  int64_t value = 0;
  if (__builtin_mul_overflow(micros, int64_t{1000}, &value) || __builtin_add_overflow(value, int64_t{nanos}, &value))
    return std::nullopt;
  // The ends of the range mean infinity.
  if (value >= INT64_MAX || value <= -INT64_MAX) return std::nullopt;
  return value;
}

std::optional<DateText> parse_date(std::string_view field) {
  Cursor text(without_blanks(field));
  Day day;
  if (!read_day(text, day)) return std::nullopt;
  DateText date;
  date.micros = days_since_epoch(day) * kSecondsPerDay * 1'000'000;
  if (text.at_end()) return date;
  if (!text.take('T') && !text.take(' ')) return std::nullopt;
  if (!read_time(text, date) || !read_offset(text, date)) return std::nullopt;
  return date;
}

}  // namespace osiris::worker::csv
