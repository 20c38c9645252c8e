#include "protocol/base/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "protocol/base/text.h"

namespace osiris {
namespace {

struct Unit {
  std::string_view name;  // lower case
  double factor;
};
constexpr double kKi = 1024, kK = 1000;
constexpr std::array<Unit, 15> kByteUnits = {{{"b", 1},
                                              {"k", kKi},
                                              {"kb", kK},
                                              {"kib", kKi},
                                              {"m", kKi* kKi},
                                              {"mb", kK* kK},
                                              {"mib", kKi* kKi},
                                              {"g", kKi* kKi* kKi},
                                              {"gb", kK* kK* kK},
                                              {"gib", kKi* kKi* kKi},
                                              {"t", kKi* kKi* kKi* kKi},
                                              {"tb", kK* kK* kK* kK},
                                              {"tib", kKi* kKi* kKi* kKi},
                                              {"byte", 1},
                                              {"bytes", 1}}};
constexpr std::array<Unit, 18> kTimeUnits = {{{"ms", 0.001},
                                              {"s", 1},
                                              {"sec", 1},
                                              {"second", 1},
                                              {"seconds", 1},
                                              {"m", 60},
                                              {"min", 60},
                                              {"minute", 60},
                                              {"minutes", 60},
                                              {"h", 3600},
                                              {"hour", 3600},
                                              {"hours", 3600},
                                              {"d", 86400},
                                              {"day", 86400},
                                              {"days", 86400},
                                              {"w", 604800},
                                              {"week", 604800},
                                              {"weeks", 604800}}};

template <size_t N>
const Unit* find_unit(const std::array<Unit, N>& units, std::string_view name) {
  const std::string wanted = ascii_lower(name);
  const auto it = std::find_if(units.begin(), units.end(), [&](const Unit& unit) { return unit.name == wanted; });
  return it == units.end() ? nullptr : &*it;
}

Error wrong(std::string message, std::string hint = {}) {
  return Error(Code::kInvalidArgument, std::move(message), std::move(hint));
}

std::string in_quotes(std::string_view text) { return "'" + std::string(text) + "'"; }

// The decimal number at the start of `text`, which it is removed from: digits, one point, digits. No sign, exponent,
// inf or nan.
std::optional<double> take_number(std::string_view& text) {
  size_t length = 0;
  bool point = false, digit = false;
  for (; length < text.size(); ++length) {
    const char c = text[length];
    if (c >= '0' && c <= '9')
      digit = true;
    else if (c == '.' && !point)
      point = true;
    else
      break;
  }
  double number = 0;
  if (!digit || std::from_chars(text.data(), text.data() + length, number).ec != std::errc()) return std::nullopt;
  text.remove_prefix(length);
  return number;
}

std::string_view take_word(std::string_view& text) {
  size_t length = 0;
  while (length < text.size() && ((text[length] | 32) >= 'a' && (text[length] | 32) <= 'z')) ++length;
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(length);
  return word;
}

}  // namespace

Result<double> parse_duration_s(std::string_view text, std::string_view bare_unit) {
  const Error not_one = wrong(in_quotes(text) + " is not a duration", "write it as 90s, 15m, 1h30m or 500ms");
  std::string_view rest = trim(text);
  double seconds = 0;
  bool first = true;
  while (!rest.empty()) {
    const auto number = take_number(rest);
    if (!number) return not_one;
    rest = trim(rest);
    std::string_view word = take_word(rest);
    if (word.empty()) {
      if (!first || !rest.empty()) return not_one;  // "1h30": thirty what?
      word = bare_unit.empty() ? "s" : bare_unit;
    }
    const Unit* unit = find_unit(kTimeUnits, word);
    if (!unit) return wrong(in_quotes(text) + " has the unknown unit " + in_quotes(word), "units: ms, s, m, h, d, w");
    seconds += *number * unit->factor;
    rest = trim(rest);
    first = false;
  }
  if (first) return not_one;
  if (seconds > 1e10) return wrong(in_quotes(text) + " is longer than 300 years");
  return seconds;
}

Result<int64_t> parse_byte_count(std::string_view text, std::string_view bare_unit) {
  std::string_view rest = trim(text);
  const auto number = take_number(rest);
  if (!number) return wrong(in_quotes(text) + " is not a size", "write it as 512MiB or 1.5GiB");
  rest = trim(rest);
  if (rest.empty()) rest = bare_unit.empty() ? "b" : bare_unit;
  const Unit* unit = find_unit(kByteUnits, rest);
  if (!unit)
    return wrong(in_quotes(text) + " has the unknown unit " + in_quotes(rest),
                 "units: B, KB, KiB, MB, MiB, GB, GiB, TB, TiB");
  const double bytes = std::floor(*number * unit->factor);
  if (bytes >= 9.2e18) return wrong(in_quotes(text) + " does not fit into 64 bits");
  return static_cast<int64_t>(bytes);
}

Result<int64_t> parse_size_with_unit(std::string_view text) {
  OSIRIS_ASSIGN(const int64_t bytes, parse_byte_count(text));
  const std::string_view number = trim(text);
  const bool is_nothing = number.find_first_not_of("0.") == std::string_view::npos;
  const bool has_unit = number.find_first_not_of("0123456789.") != std::string_view::npos;
  if (is_nothing || has_unit) return bytes;
  return wrong(in_quotes(text) + " has no unit", "write " + std::string(number) + "GiB or " + std::string(number) +
                                                     "MiB; " + std::string(number) + "B for bytes");
}

bool is_duration_unit(std::string_view unit) { return find_unit(kTimeUnits, unit) != nullptr; }
bool is_byte_unit(std::string_view unit) { return find_unit(kByteUnits, unit) != nullptr; }

std::string spoken_duration(int64_t seconds) {
  if (seconds <= 0) return "0 s";
  std::string text;
  const auto add = [&](int64_t count, const char* unit) {
    if (count > 0) text += (text.empty() ? "" : " ") + std::to_string(count) + " " + unit;
  };
  add(seconds / 3600, "h");
  add(seconds / 60 % 60, "min");
  if (seconds < 3600) add(seconds % 60, "s");
  return text;
}

}  // namespace osiris
