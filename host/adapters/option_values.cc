#include "host/adapters/option_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "host/adapters/abi_text.h"
#include "protocol/base/json.h"
#include "protocol/base/quantity.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris {
namespace {

constexpr std::array<std::string_view, 11> kTypeNames = {"text",  "int",  "float", "bool", "choice", "duration",
                                                         "bytes", "path", "pair",  "env",  "json"};
constexpr std::array<std::string_view, 11> kValueNames = {"TEXT", "N",    "NUMBER",    "",     "CHOICE", "DURATION",
                                                          "SIZE", "PATH", "KEY=VALUE", "NAME", "JSON"};

Error wrong(std::string message, std::string hint = {}) {
  return Error(Code::kInvalidArgument, std::move(message), std::move(hint));
}

std::string in_quotes(std::string_view text) { return "'" + std::string(text) + "'"; }

// from_chars knows no '+'. "+-1" stays as it is, and is refused.
std::string_view without_plus(std::string_view text) {
  return text.starts_with('+') && !text.starts_with("+-") ? text.substr(1) : text;
}

Result<std::string> canonical_int(std::string_view text) {
  int64_t number = 0;
  const std::string_view digits = without_plus(text);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error == std::errc::result_out_of_range) return wrong(in_quotes(text) + " does not fit into 64 bits");
  if (error != std::errc() || end != digits.data() + digits.size())
    return wrong(in_quotes(text) + " is not a whole number");
  return std::to_string(number);
}

// The shortest text, whole numbers without a point.
std::string number_text(double number) {
  if (number == std::floor(number) && std::fabs(number) < 9e15) return std::to_string(static_cast<int64_t>(number));
  return format_double(number);
}

Result<std::string> canonical_float(std::string_view text) {
  double number = 0;
  const std::string_view digits = without_plus(text);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(number))
    return wrong(in_quotes(text) + " is not a number");
  return number_text(number);
}

Result<std::string> canonical_bool(std::string_view text) {
  const std::string word = ascii_lower(text);
  for (const char* yes : {"true", "yes", "on", "1"})
    if (word == yes) return std::string("true");
  for (const char* no : {"false", "no", "off", "0"})
    if (word == no) return std::string("false");
  return wrong(in_quotes(text) + " is neither true nor false", "write true or false");
}

Result<std::string> canonical_choice(const OptionSpec& spec, std::string_view text) {
  if (std::find(spec.choices.begin(), spec.choices.end(), text) != spec.choices.end()) return std::string(text);
  const auto near = nearest(text, spec.choices);
  return wrong(in_quotes(text) + " is not one of " + join(spec.choices, ", "),
               near ? "did you mean " + in_quotes(*near) + "?" : "");
}

Result<std::string> canonical_duration(std::string_view text, std::string_view bare_unit) {
  OSIRIS_ASSIGN(const double seconds, parse_duration_s(text, bare_unit));
  return number_text(std::round(seconds * 1000) / 1000);  // milliseconds are the finest
}

Result<std::string> canonical_bytes(std::string_view text, std::string_view bare_unit) {
  OSIRIS_ASSIGN(const int64_t bytes, parse_byte_count(text, bare_unit));
  return std::to_string(bytes);
}

Result<std::string> canonical_path(std::string_view text, const std::filesystem::path& base_directory) {
  if (text.empty()) return wrong("the path is empty");
  if (text.find('\0') != std::string_view::npos) return wrong("the path contains a zero byte");
  std::string path = (base_directory / std::filesystem::path(text)).lexically_normal().string();
  if (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

Result<std::string> canonical_pair(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) return wrong(in_quotes(text) + " is not KEY=VALUE");
  return std::string(text);
}

Result<std::string> canonical_env_name(std::string_view text) {
  if (!is_variable_name(text))
    return wrong(in_quotes(text) + " is not the name of a variable", "give the name only, not NAME=VALUE");
  return std::string(text);
}

Result<std::string> canonical_json(std::string_view text) {
  const auto parsed = parse_json(text);
  if (!parsed.ok()) return wrong(in_quotes(text) + " is not JSON: " + parsed.error().message);
  return parsed->dump();
}

Result<std::string> canonical_of_type(const OptionSpec& spec, std::string_view text,
                                      const std::filesystem::path& base_directory) {
  switch (spec.type) {
    case OSIRIS_INT:
      return canonical_int(trim(text));
    case OSIRIS_FLOAT:
      return canonical_float(trim(text));
    case OSIRIS_BOOL:
      return canonical_bool(trim(text));
    case OSIRIS_CHOICE:
      return canonical_choice(spec, text);
    case OSIRIS_DURATION:
      return canonical_duration(text, spec.bare_unit);
    case OSIRIS_BYTES:
      return canonical_bytes(text, spec.bare_unit);
    case OSIRIS_PATH:
      return canonical_path(text, base_directory);
    case OSIRIS_PAIR:
      return canonical_pair(text);
    case OSIRIS_ENV:
      return canonical_env_name(text);
    case OSIRIS_JSON:
      return canonical_json(text);
    default:
      return std::string(text);
  }
}

bool is_numeric(uint32_t type) {
  return type == OSIRIS_INT || type == OSIRIS_FLOAT || type == OSIRIS_DURATION || type == OSIRIS_BYTES;
}

// Canonical texts of one numeric type. Integers are compared as such: a double would lose the low bits of large ones.
bool is_less(uint32_t type, std::string_view a, std::string_view b) {
  const auto less = [&](auto x, auto y) {
    std::from_chars(a.data(), a.data() + a.size(), x);
    std::from_chars(b.data(), b.data() + b.size(), y);
    return x < y;
  };
  return type == OSIRIS_INT || type == OSIRIS_BYTES ? less(int64_t{0}, int64_t{0}) : less(0.0, 0.0);
}

std::optional<std::string> optional_text(osiris_str text) {
  return text.data ? std::optional(std::string(abi_view(text))) : std::nullopt;
}

std::string upper_snake(std::string_view text) {
  std::string copy(text);
  for (char& c : copy) c = c == '-' ? '_' : (c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c);
  return copy;
}

}  // namespace

std::string_view option_type_name(uint32_t type) {
  return is_known_option_type(type) ? kTypeNames[type] : kTypeNames[0];
}
bool is_known_option_type(uint32_t type) { return type < kTypeNames.size(); }

bool is_unit_of(uint32_t type, std::string_view unit) {
  if (unit.empty()) return true;
  if (type == OSIRIS_DURATION) return is_duration_unit(unit);
  return type == OSIRIS_BYTES && is_byte_unit(unit);
}

OptionSpec option_spec(std::string_view adapter_id, const osiris_option& option) {
  OptionSpec spec;
  spec.adapter = adapter_id;
  spec.name = abi_view(option.name);
  spec.type = option.type;
  spec.flag = "--" + spec.adapter + "-" + spec.name;
  if (spec.type == OSIRIS_BOOL) spec.negative_flag = "--no-" + spec.adapter + "-" + spec.name;
  const std::string variable = upper_snake(spec.adapter) + "_" + upper_snake(spec.name);
  spec.env = "OSIRIS_" + variable;
  if (OSIRIS_HAS(&option, shared_env)) spec.shared_env = shared_variables(option.shared_env);
  spec.key = "adapters." + spec.adapter + "." + spec.name;
  std::replace(spec.key.begin(), spec.key.end(), '-', '_');
  spec.required = option.flags & OSIRIS_REQUIRED;
  spec.repeated = option.flags & OSIRIS_REPEATED;
  spec.deprecated = option.flags & OSIRIS_DEPRECATED;
  spec.hidden = option.flags & OSIRIS_HIDDEN;
  spec.sensitive = option.flags & OSIRIS_SENSITIVE;
  spec.help = abi_view(option.help);
  spec.value_name = abi_view(option.value_name);
  if (spec.value_name.empty())
    spec.value_name = is_known_option_type(spec.type) ? kValueNames[spec.type] : kValueNames[0];
  spec.bare_unit = abi_view(option.bare_unit);
  spec.default_value = optional_text(option.default_value);
  spec.minimum = optional_text(option.minimum);
  spec.maximum = optional_text(option.maximum);
  for (size_t i = 0; i < option.choice_count; ++i) spec.choices.emplace_back(abi_view(option.choices[i]));
  return spec;
}

std::vector<std::string> variables_of(const OptionSpec& spec) {
  std::vector<std::string> names{spec.env};
  names.insert(names.end(), spec.shared_env.begin(), spec.shared_env.end());
  return names;
}

bool is_variable_name(std::string_view name) {
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::vector<std::string> shared_variables(osiris_str shared_env) {
  std::vector<std::string> names;
  for (const std::string_view name : split(abi_view(shared_env), ' '))
    if (!name.empty()) names.emplace_back(name);
  return names;
}

std::vector<SecretSpec> secret_specs(const osiris_adapter_type& type) {
  std::vector<SecretSpec> specs;
  for (size_t i = 0; i < type.secret_count; ++i) {
    const osiris_secret& secret = *type.secrets[i];
    specs.push_back({std::string(abi_view(secret.name)), OSIRIS_HAS(&secret, help) ? abi_copy(secret.help) : "",
                     (secret.flags & OSIRIS_REQUIRED) != 0});
  }
  return specs;
}

std::vector<OptionSpec> option_specs(const osiris_adapter_type& type) {
  std::vector<OptionSpec> specs;
  for (uint32_t i = 0; i < type.option_count; ++i) specs.push_back(option_spec(abi_view(type.id), *type.options[i]));
  return specs;
}

Result<std::string> canonical_value(const OptionSpec& spec, std::string_view text,
                                    const std::filesystem::path& base_directory) {
  if (!is_valid_utf8(text)) return wrong("the value is not UTF-8");
  OSIRIS_ASSIGN(std::string canonical, canonical_of_type(spec, text, base_directory));
  if (is_numeric(spec.type)) {
    const std::string unit = spec.type == OSIRIS_DURATION ? " seconds" : spec.type == OSIRIS_BYTES ? " bytes" : "";
    if (spec.minimum && is_less(spec.type, canonical, *spec.minimum))
      return wrong(in_quotes(text) + " is below the minimum of " + *spec.minimum + unit);
    if (spec.maximum && is_less(spec.type, *spec.maximum, canonical))
      return wrong(in_quotes(text) + " is above the maximum of " + *spec.maximum + unit);
  }
  return canonical;
}

}  // namespace osiris
