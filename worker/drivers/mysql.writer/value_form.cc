#include "worker/drivers/mysql.writer/value_form.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "protocol/base/text.h"
#include "worker/drivers/db/json_form.h"

namespace osiris::worker::mysql {
namespace {

std::string_view without_end(std::string_view text, char padding) {
  while (text.ends_with(padding)) text.remove_suffix(1);
  return text;
}

std::string_view without_zeros_of_fraction(std::string_view text) {
  if (text.find('.') == std::string_view::npos) return text;
  text = without_end(text, '0');
  return text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
}

std::string number(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  text = without_zeros_of_fraction(text);
  while (text.size() > 1 && text[0] == '0' && text[1] != '.') text.remove_prefix(1);
  if (text.empty() || text == "0") return "0";
  return (is_negative ? "-" : "") + std::string(text);
}

// A zero has no sign here.
template <class Float>
std::string floating(std::string_view text) {
  Float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::string(text);
  const double wide = value == 0 ? 0 : static_cast<double>(value);
  return {reinterpret_cast<const char*>(&wide), sizeof wide};
}

std::string date_time(std::string_view text) {
  constexpr size_t kDateBytes = 10;
  if (text.size() == kDateBytes) return std::string(text) + " 00:00:00";
  return std::string(without_zeros_of_fraction(text));
}

// The sixteen bytes of an address, one of version 4 as version 6 has it.
std::string address(std::string_view text) {
  constexpr std::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  const std::string written(text);
  in_addr four{};
  in6_addr six{};
  if (::inet_pton(AF_INET, written.c_str(), &four) == 1)
    return std::string(kMapped) + std::string(reinterpret_cast<const char*>(&four), sizeof four);
  if (::inet_pton(AF_INET6, written.c_str(), &six) == 1) return {reinterpret_cast<const char*>(&six), sizeof six};
  return written;
}

}  // namespace

ValueForm form_of_type(std::string_view type_name) {
  const std::string type = ascii_lower(type_name.substr(0, type_name.find_first_of("( ")));
  static constexpr std::pair<std::string_view, ValueForm> kForms[] = {
      {"tinyint", ValueForm::kNumber},    {"smallint", ValueForm::kNumber},    {"mediumint", ValueForm::kNumber},
      {"int", ValueForm::kNumber},        {"bigint", ValueForm::kNumber},      {"decimal", ValueForm::kNumber},
      {"year", ValueForm::kNumber},       {"float", ValueForm::kFloat},        {"double", ValueForm::kDouble},
      {"datetime", ValueForm::kDateTime}, {"timestamp", ValueForm::kDateTime}, {"time", ValueForm::kTime},
      {"char", ValueForm::kBlankPadded},  {"binary", ValueForm::kZeroPadded},  {"uuid", ValueForm::kCaseless},
      {"json", ValueForm::kJson},         {"inet4", ValueForm::kAddress},      {"inet6", ValueForm::kAddress}};
  const auto* found =
      std::find_if(std::begin(kForms), std::end(kForms), [&](const auto& f) { return f.first == type; });
  return found == std::end(kForms) ? ValueForm::kExact : found->second;
}

std::string one_form(ValueForm form, std::string_view value) {
  switch (form) {
    case ValueForm::kExact:
      break;
    case ValueForm::kNumber:
      return number(value);
    case ValueForm::kFloat:
      return floating<float>(value);
    case ValueForm::kDouble:
      return floating<double>(value);
    case ValueForm::kDateTime:
      return date_time(value);
    case ValueForm::kTime:
      return std::string(without_zeros_of_fraction(value));
    case ValueForm::kBlankPadded:
      return std::string(without_end(value, ' '));
    case ValueForm::kZeroPadded:
      return std::string(without_end(value, '\0'));
    case ValueForm::kCaseless:
      return ascii_lower(value);
    case ValueForm::kJson:
      return db::canonical_json(value);
    case ValueForm::kAddress:
      return address(value);
  }
  return std::string(value);
}

std::string exact_expression(ValueForm form, const std::string& quoted_column) {
  return form == ValueForm::kFloat ? quoted_column + " + 0E0" : quoted_column;
}

}  // namespace osiris::worker::mysql
