#include "worker/drivers/filesystem.csv_extractor/values.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace osiris::worker::csv {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view strip(std::string_view field) {
  while (!field.empty() && is_space(field.front())) field.remove_prefix(1);
  while (!field.empty() && is_space(field.back())) field.remove_suffix(1);
  return field;
}

// std::from_chars takes no '+'; "+-1" stays wrong.
std::string_view without_plus(std::string_view text) {
  if (text.size() > 1 && text.front() == '+' && text[1] != '-' && text[1] != '+') text.remove_prefix(1);
  return text;
}

template <class Number>
std::optional<Number> parse_whole(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i)
    if ((text[i] | 0x20) != lower[i]) return false;
  return true;
}

}  // namespace

std::optional<std::string_view> NumberFormat::rewritten(std::string_view field, std::string& buffer) const {
  const std::string_view text = strip(field);
  buffer.clear();
  size_t at = 0;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) buffer += text[at++];
  size_t group = 0;  // digits since the start, or since a separator
  bool has_groups = false;
  for (; at < text.size(); ++at) {
    if (text[at] >= '0' && text[at] <= '9') {
      ++group;
      buffer += text[at];
    } else if (thousands != '\0' && text[at] == thousands) {
      if (group == 0 || group > 3 || (has_groups && group < 3)) return std::nullopt;
      has_groups = true;
      group = 0;
    } else {
      break;
    }
  }
  if (has_groups && group != 3) return std::nullopt;
  if (at < text.size() && text[at] == decimal) {
    buffer += '.';
    ++at;
  }
  const std::string_view rest = text.substr(at);
  if (rest.find_first_of(std::string{'.', decimal}) != std::string_view::npos) return std::nullopt;
  buffer += rest;
  return buffer;
}

bool has_integer_form(std::string_view field) {
  std::string_view text = strip(field);
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<int64_t> parse_integer(std::string_view field) {
  return parse_whole<int64_t>(without_plus(strip(field)));
}

std::optional<uint64_t> parse_unsigned(std::string_view field) {
  return parse_whole<uint64_t>(without_plus(strip(field)));
}

std::optional<double> parse_double(std::string_view field) {
  const std::string_view text = without_plus(strip(field));
  if (text.empty()) return std::nullopt;
  const bool negative = text.front() == '-';
  const std::string_view magnitude = negative ? text.substr(1) : text;
  if (magnitude.empty()) return std::nullopt;
  if ((magnitude.front() | 0x20) == 'i') {
    if (!equals_ignoring_case(magnitude, "inf") && !equals_ignoring_case(magnitude, "infinity")) return std::nullopt;
    if (is_space(field.front()) || is_space(field.back())) return std::nullopt;
    return negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  }
  if ((magnitude.front() < '0' || magnitude.front() > '9') && magnitude.front() != '.') return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return std::nullopt;
  if (error == std::errc()) return value;
  // Out of range, and from_chars does not say which way.
  value = std::strtod(std::string(text).c_str(), nullptr);
  return std::abs(value) < 1 ? std::optional(value) : std::nullopt;
}

std::optional<bool> parse_boolean(std::string_view field) {
  if (equals_ignoring_case(field, "true")) return true;
  if (equals_ignoring_case(field, "false")) return false;
  return std::nullopt;
}

void KindTracker::observe(std::string_view field) {
  seen_ = true;
  if (boolean_ && !parse_boolean(field)) boolean_ = false;
  if (!double_) return;  // neither a number of any kind
  if (const auto number = numbers_.plain(field, buffer_)) return observe_number(*number);
  double_ = integer_ = unsigned_ = integer_form_ = false;
}

void KindTracker::observe_number(std::string_view number) {
  if (integer_ && !parse_integer(number)) integer_ = false;
  if (unsigned_ && !parse_unsigned(number)) unsigned_ = false;
  if (integer_form_ && !has_integer_form(number)) integer_form_ = false;
  if (!integer_ && !parse_double(number)) double_ = integer_ = unsigned_ = integer_form_ = false;
}

void KindTracker::merge(const KindTracker& other) {
  seen_ |= other.seen_;
  boolean_ &= other.boolean_;
  integer_ &= other.integer_;
  unsigned_ &= other.unsigned_;
  integer_form_ &= other.integer_form_;
  double_ &= other.double_;
}

std::string KindTracker::state() const {
  std::string state;
  for (const bool flag : {seen_, boolean_, integer_, unsigned_, integer_form_, double_}) state += flag ? '1' : '0';
  return state;
}

KindTracker KindTracker::of_state(std::string_view state, NumberFormat numbers) {
  KindTracker tracker(numbers);
  bool* const flags[] = {&tracker.seen_,     &tracker.boolean_,      &tracker.integer_,
                         &tracker.unsigned_, &tracker.integer_form_, &tracker.double_};
  for (size_t i = 0; i < std::size(flags) && i < state.size(); ++i) *flags[i] = state[i] == '1';
  return tracker;
}

Kind KindTracker::kind() const {
  if (!seen_) return Kind::kUnknown;
  if (boolean_) return Kind::kBoolean;
  if (integer_) return Kind::kInteger;
  if (unsigned_) return Kind::kUnsigned;
  return double_ && !integer_form_ ? Kind::kDouble : Kind::kText;
}

void NullWords::add_standard() {
  for (const char* word : {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
                           "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"})
    insert(word);
}

void NullWords::add(std::string_view word) {
  insert(std::string(word));
  const auto number = parse_double(word);
  if (!number || std::abs(*number) >= 1e15 || *number != std::floor(*number)) return;
  const std::string digits = std::to_string(static_cast<int64_t>(*number));
  insert(digits);
  insert(digits + ".0");
}

void NullWords::insert(std::string word) {
  if (!words_.insert(word).second) return;
  if (word.empty()) {
    has_empty_ = true;
  } else if (word.size() <= kLengthsMax) {
    lengths_[static_cast<unsigned char>(word.front())] |= uint64_t{1} << (word.size() - 1);
  } else {
    has_long_ = true;
  }
  list_.push_back(std::move(word));
}

}  // namespace osiris::worker::csv
