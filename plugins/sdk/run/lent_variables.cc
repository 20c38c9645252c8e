#include "plugins/sdk/run/lent_variables.h"

#include <algorithm>

#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"
#include "protocol/base/wipe.h"
#include "protocol/rpc/frames.h"

namespace osiris::sdk {
namespace {

constexpr uint64_t kFileBytesMax = 1 << 20;

bool is_name(std::string_view name) {
  const auto letter = [](char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !name.empty() && letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || digit(c); });
}

Error bad_line(std::string_view file, size_t line, std::string_view why) {
  return Error(Code::kInvalidArgument, std::string(file) + ":" + std::to_string(line) + ": " + std::string(why),
               "Write NAME=VALUE lines; quote values that hold spaces or '#'.");
}

// The value written as `text`: bare up to a comment, or quoted. nullopt: the quotes are wrong.
std::optional<std::string> read_value(std::string_view text) {
  if (text.empty() || (text[0] != '"' && text[0] != '\'')) {
    const size_t comment = text.find(" #");
    return std::string(trim(text.substr(0, comment)));
  }
  const char quote = text[0];
  std::string value;
  size_t i = 1;
  for (; i < text.size() && text[i] != quote; ++i) {
    if (quote == '"' && text[i] == '\\' && i + 1 < text.size()) {
      const char c = text[++i];
      value.push_back(c == 'n' ? '\n' : c == 't' ? '\t' : c);
    } else {
      value.push_back(text[i]);
    }
  }
  if (i >= text.size()) return std::nullopt;
  const std::string_view rest = trim(text.substr(i + 1));
  if (!rest.empty() && rest[0] != '#') return std::nullopt;
  return value;
}

Result<Variables> read_variables(const std::string& path) {
  Result<std::string> text = read_file(path, kFileBytesMax);
  if (!text) return text.error().within("env-from");
  Result<Variables> variables = parse_variables(*text, path);
  wipe(*text);
  return variables;
}

Result<std::pair<std::string, std::string>> split_pair(std::string_view pair) {
  const size_t equals = pair.find('=');
  if (equals == std::string_view::npos || !is_name(pair.substr(0, equals)))
    return Error(Code::kInvalidArgument, "env needs NAME=VALUE with a name of letters, digits and '_', and got \"" +
                                             std::string(pair.substr(0, std::min(equals, size_t{40}))) + "\"");
  return std::pair(std::string(pair.substr(0, equals)), std::string(pair.substr(equals + 1)));
}

}  // namespace

Result<Variables> parse_variables(std::string_view text, std::string_view name) {
  Variables variables;
  size_t number = 0;
  for (const std::string& whole : split(text, '\n')) {
    ++number;
    std::string_view line = trim(whole);
    if (line.empty() || line[0] == '#') continue;
    if (line.starts_with("export ")) line = trim(line.substr(7));
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) return bad_line(name, number, "no '=' in the line");
    const std::string_view key = trim(line.substr(0, equals));
    if (!is_name(key)) return bad_line(name, number, "a name has letters, digits and '_' and begins with no digit");
    auto value = read_value(trim(line.substr(equals + 1)));
    if (!value) return bad_line(name, number, "the value of " + std::string(key) + " has a quote that is not closed");
    if (value->find('\0') != std::string::npos || !is_valid_utf8(*value))
      return bad_line(name, number, "the value of " + std::string(key) + " is no UTF-8 text");
    variables.emplace_back(std::string(key), *std::move(value));
  }
  return variables;
}

Result<std::vector<std::string>> environment_names(const EnvironmentOptions& options) {
  std::vector<std::string> names;
  for (const std::string& name : options.pass) {
    if (!is_name(name))
      return Error(Code::kInvalidArgument, "pass-env: \"" + name + "\" is not the name of a variable");
    names.push_back(name);
  }
  for (const std::string& path : options.files) {
    OSIRIS_ASSIGN(Variables variables, read_variables(path));
    for (auto& [name, value] : variables) {
      names.push_back(name);
      wipe(value);
    }
  }
  for (const std::string& pair : options.pairs) {
    OSIRIS_ASSIGN(auto variable, split_pair(pair));
    names.push_back(variable.first);
    wipe(variable.second);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Result<Json> assemble_environment(const EnvironmentOptions& options, const Host& host) {
  Json environment = Json::object();
  for (const std::string& name : options.pass) {
    const Status lent = host.with_secret("env/" + name, [&](std::string_view value) { environment.set(name, value); });
    if (!lent && lent.error().code != Code::kNotFound) return lent.error();
    if (!lent) host.log(OSIRIS_WARN, "pass-env: " + name + " is not set; the steps run without it");
  }
  for (const std::string& path : options.files) {
    OSIRIS_ASSIGN(Variables variables, read_variables(path));
    for (auto& [name, value] : variables) environment.set(name, std::move(value));
  }
  for (const std::string& pair : options.pairs) {
    OSIRIS_ASSIGN(auto variable, split_pair(pair));
    environment.set(variable.first, std::move(variable.second));
  }
  return environment;
}

}  // namespace osiris::sdk
