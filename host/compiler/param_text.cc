#include "host/compiler/param_text.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "protocol/base/text.h"

namespace osiris {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

size_t take_digits(std::string_view& text) {
  size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  text.remove_prefix(count);
  return count;
}

bool take_one_of(std::string_view& text, std::string_view set) {
  if (text.empty() || set.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

bool spells_integer(std::string_view text) {
  take_one_of(text, "+-");
  return take_digits(text) > 0 && text.empty();
}

// Without a plus sign, which from_chars does not know.
std::string_view signed_digits(std::string_view text) { return text.starts_with('+') ? text.substr(1) : text; }

std::optional<Json> integer_of(std::string_view text) {
  if (!spells_integer(text)) return std::nullopt;
  const std::string_view digits = signed_digits(text);
  const char* const end = digits.data() + digits.size();
  int64_t value = 0;
  if (std::from_chars(digits.data(), end, value).ec == std::errc()) return Json(value);
  uint64_t large = 0;
  if (std::from_chars(digits.data(), end, large).ec == std::errc()) return Json(large);
  return std::nullopt;  // beyond 64 bits
}

std::optional<Json> number_of(std::string_view text) {
  if (!spells_number(text)) return std::nullopt;
  if (auto whole = integer_of(text)) return whole;
  const std::string_view digits = signed_digits(text);
  double value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (read.ec != std::errc() || !std::isfinite(value)) return std::nullopt;
  return Json(value);
}

std::optional<Json> boolean_of(std::string_view text) {
  const std::string word = ascii_lower(text);
  if (word == "true" || word == "yes" || word == "on") return Json(true);
  if (word == "false" || word == "no" || word == "off") return Json(false);
  return std::nullopt;
}

YamlNode scalar_node(Json value, Mark mark) {
  YamlNode node;
  node.take_scalar(std::move(value));
  node.mark = mark;
  return node;
}

// A plain scalar inside a list or mapping, which has no type declared for it.
Json plain_item(const std::string& text) {
  if (text.empty() || text == "null" || text == "~") return {};
  if (text == "true") return Json(true);
  if (text == "false") return Json(false);
  const std::string_view digits = text.starts_with('-') ? std::string_view(text).substr(1) : text;
  const bool has_leading_zero = digits.size() > 1 && digits[0] == '0' && is_digit(digits[1]);
  if (!digits.empty() && is_digit(digits[0]) && !has_leading_zero)
    if (auto number = number_of(text)) return *number;
  return Json(text);
}

std::optional<YamlNode> container_of(const std::string& text, bool is_list, Mark mark) {
  Diagnostics ignored;
  YamlLimits limits;
  limits.plain_scalar = plain_item;
  YamlNode parsed = parse_yaml(text, ignored, limits);
  if (!ignored.ok() || (is_list ? !parsed.is_sequence() : !parsed.is_mapping())) return std::nullopt;
  parsed.mark = mark;
  return parsed;
}

}  // namespace

bool spells_number(std::string_view text) {
  take_one_of(text, "+-");
  const size_t whole = take_digits(text);
  const size_t fraction = take_one_of(text, ".") ? take_digits(text) : 0;
  if (whole + fraction == 0) return false;
  if (!take_one_of(text, "eE")) return text.empty();
  take_one_of(text, "+-");
  return take_digits(text) > 0 && text.empty();
}

YamlNode read_param_text(const std::string& text, std::string_view type, Mark mark) {
  if (type == "list" || type == "object") {
    if (auto container = container_of(text, type == "list", mark)) return *std::move(container);
    return scalar_node(Json(text), mark);
  }
  const std::string_view word = trim(text);
  std::optional<Json> value;
  if (type == "integer") value = integer_of(word);
  if (type == "number") value = number_of(word);
  if (type == "boolean") value = boolean_of(word);
  return scalar_node(value ? *std::move(value) : Json(text), mark);
}

}  // namespace osiris
