#include "worker/drivers/web/exact_numbers.h"

#include <charconv>
#include <cmath>

#include "protocol/base/json_value.h"

namespace osiris::worker::web {
namespace {

constexpr std::string_view kOfNumbers = "0123456789+-.eE";
constexpr size_t kSafeDigits = 15;  // any decimal of so many is a double's own
constexpr size_t kSafeInteger = 18;

// A number as its digits without zeros at either end, and the power of ten that they stand before.
struct Digits {
  std::string digits;
  long exponent = 0;
  bool negative = false;
  friend bool operator==(const Digits&, const Digits&) = default;
};

Digits digits_of(std::string_view text) {
  Digits found;
  if (text.starts_with('-')) found.negative = true, text.remove_prefix(1);
  const size_t e = text.find_first_of("eE");
  if (e != std::string_view::npos) {
    std::string_view power = text.substr(e + 1);
    if (power.starts_with('+')) power.remove_prefix(1);
    std::from_chars(power.data(), power.data() + power.size(), found.exponent);
    text = text.substr(0, e);
  }
  const size_t point = text.find('.');
  found.exponent += static_cast<long>(point == std::string_view::npos ? text.size() : point);
  for (const char c : text)
    if (c != '.') found.digits += c;
  while (found.digits.starts_with('0')) found.digits.erase(0, 1), --found.exponent;
  while (found.digits.ends_with('0')) found.digits.pop_back();
  if (found.digits.empty()) return {};
  return found;
}

bool is_kept(std::string_view number) {
  const bool is_integer = number.find_first_of(".eE") == std::string_view::npos;
  if (is_integer && number.size() <= kSafeInteger) return true;
  const char* end = number.data() + number.size();
  if (is_integer) {
    int64_t whole = 0;
    uint64_t positive = 0;
    return std::from_chars(number.data(), end, whole).ec == std::errc() ||
           std::from_chars(number.data(), end, positive).ec == std::errc();
  }
  const Digits written = digits_of(number);
  double value = 0;
  if (std::from_chars(number.data(), end, value).ec != std::errc() || !std::isfinite(value)) return false;
  if (written.digits.size() <= kSafeDigits && value != 0) return true;
  return digits_of(format_double(value)) == written;
}

}  // namespace

std::string with_exact_numbers(std::string_view json) {
  std::string text;
  text.reserve(json.size() + 16);
  for (size_t at = 0; at < json.size();) {
    size_t end = at + 1;
    if (json[at] == '"') {
      while (end < json.size() && json[end] != '"') end += json[end] == '\\' ? 2 : 1;
      end = std::min(end + 1, json.size());
    } else if (json[at] == '-' || (json[at] >= '0' && json[at] <= '9')) {
      end = std::min(json.find_first_not_of(kOfNumbers, at), json.size());
      const std::string_view number = json.substr(at, end - at);
      if (!is_kept(number)) {
        text.append(1, '"').append(number).append(1, '"');
        at = end;
        continue;
      }
    }
    text += json.substr(at, end - at);
    at = end;
  }
  return text;
}

}  // namespace osiris::worker::web
