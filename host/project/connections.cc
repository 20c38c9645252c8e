#include "host/project/connections.h"

#include <algorithm>

#include "host/compat/old_names.h"
#include "host/project/connections_file.h"
#include "host/project/file_trust.h"
#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/base/secret_names.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFileName = "osiris_connections.yaml";

Error wrong(std::string message, std::string hint = {}) {
  return Error(Code::kInvalidArgument, std::move(message), std::move(hint), category::kConnectionInvalidConfig);
}

Error absent(std::string message, std::string hint = {}) {
  return Error(Code::kNotFound, std::move(message), std::move(hint), category::kConnectionNotFound);
}

std::string list_aliases(const std::vector<std::string>& aliases) { return join(aliases, ", "); }

// The field as drivers call it.
std::string canonical_field(const std::string& family, const std::string& field, const YamlNode& entry) {
  const std::string_view current = current_connection_field(family, field);
  return current.empty() || entry.find(current) ? field : std::string(current);
}

Json substitute(const YamlNode& node, const Environment& environment, std::vector<std::string>& missing) {
  if (node.is_string()) return Json(substitute_variables(node.text(), environment, &missing));
  if (node.is_sequence()) {
    Json array = Json::array();
    for (const YamlNode& item : node.items) array.push_back(substitute(item, environment, missing));
    return array;
  }
  if (node.is_mapping()) {
    Json::Object object;
    for (const auto& member : node.members)
      object.emplace_back(member.key, substitute(member.value, environment, missing));
    return Json(std::move(object));
  }
  return node.scalar;
}

bool holds_secret_inside(const Json& value) {
  if (value.is_string()) return holds_url_password(value.as_string());
  for (const Json& item : value.items())
    if (holds_secret_inside(item)) return true;
  for (const auto& [key, member] : value.members())
    if (names_a_secret(key) || holds_secret_inside(member)) return true;
  return false;
}

bool is_secret_field(const std::string& field, const Json& value, const std::vector<std::string>& secret_fields) {
  if (std::find(secret_fields.begin(), secret_fields.end(), field) != secret_fields.end()) return true;
  return names_a_secret(field) || holds_secret_inside(value);
}

void collect_variables(const YamlNode& node, const Environment& environment, std::map<std::string, bool>& seen) {
  if (node.is_string()) substitute_variables(node.text(), environment, nullptr, &seen);
  for (const YamlNode& item : node.items) collect_variables(item, environment, seen);
  for (const auto& member : node.members) collect_variables(member.value, environment, seen);
}

// A line of the file that is no YAML may show a secret, in the words of the finding too.
Diagnostic without_secret(Diagnostic finding) {
  const std::string line = finding.source_line;
  const size_t key_end = line.find_first_of(": ", line.find_first_not_of(" -"));
  const size_t begin = line.find_first_not_of(": ", key_end);
  if (begin == std::string::npos || !names_a_secret(trim(line.substr(0, key_end)))) return finding;
  const std::string value(trim(line.substr(begin)));
  finding.source_line.replace(begin, std::string::npos, kMasked);
  for (std::string* text : {&finding.message, &finding.hint})
    for (size_t at = 0; !value.empty() && (at = text->find(value, at)) != std::string::npos; at += kMasked.size())
      text->replace(at, value.size(), kMasked);
  return finding;
}

}  // namespace

Error unset_variable(const std::string& variable, const std::string& field, const ConnectionRef& ref) {
  return wrong("Environment variable '" + variable + "' not set for " + field + " in " + ref.family + "." + ref.alias,
               "set it in the environment or in .env");
}

std::string substitute_variables(std::string_view text, const Environment& environment,
                                 std::vector<std::string>* missing, std::map<std::string, bool>* seen) {
  std::string out;
  while (true) {
    const size_t start = text.find("${");
    const size_t end = start == std::string_view::npos ? start : text.find('}', start);
    if (end == std::string_view::npos) return out.append(text);
    out.append(text.substr(0, start));
    const std::string_view inside = text.substr(start + 2, end - start - 2);
    const size_t fallback = inside.find(":-");
    const std::string_view name = inside.substr(0, fallback);
    const auto value = environment.get_filled(name);
    if (seen && !name.empty()) (*seen)[std::string(name)] = value.has_value();
    if (value) {
      out += *value;
    } else if (fallback != std::string_view::npos) {
      out.append(inside.substr(fallback + 2));
    } else {
      out.append(text.substr(start, end + 1 - start));
      if (missing && !name.empty()) missing->push_back(std::string(name));
    }
    text.remove_prefix(end + 1);
  }
}

Result<ConnectionRef> parse_connection_ref(std::string_view text) {
  auto is_word = [](std::string_view part) {
    return std::all_of(part.begin(), part.end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
    });
  };
  const std::string start = "Invalid connection reference format: '" + std::string(text) + "'. ";
  const size_t dot = text.find('.');
  if (!text.starts_with('@') || dot == std::string_view::npos) return wrong(start + "Expected '@family.alias'");
  const std::string_view family = text.substr(1, dot - 1), alias = text.substr(dot + 1);
  if (family.empty() || alias.empty()) return wrong(start + "Family and alias cannot be empty");
  if (!is_word(family) || !is_word(alias)) return wrong(start + "Expected '@family.alias'");
  return ConnectionRef{std::string(family), std::string(alias)};
}

Result<Connections> Connections::load(const fs::path& cwd, const Environment& environment, const fs::path& install_root,
                                      Diagnostics* findings) {
  std::vector<fs::path> places;
  if (const auto home = environment.get_filled("OSIRIS_HOME")) places.push_back(*home);
  places.push_back(cwd);
  places.push_back(cwd.parent_path());
  if (!install_root.empty()) places.push_back(install_root);
  for (const fs::path& place : places) {
    std::error_code ignored;
    if (fs::exists(place / kFileName, ignored)) return load_file(place / kFileName, environment, findings);
  }
  Connections none;
  none.environment_ = environment;
  return none;
}

Result<Connections> Connections::load_file(const fs::path& file, const Environment& environment,
                                           Diagnostics* findings) {
  if (Status trusted = check_writers(file, "connections file"); !trusted.ok()) {
    Error error = trusted.error();
    error.category = category::kConnectionInvalidConfig;
    return error;
  }
  Connections connections;
  connections.file_ = file;
  connections.environment_ = environment;
  connections.findings_ = Diagnostics(file.string());
  connections.root_ = read_connections_file(file, connections.findings_);
  if (connections.findings_.ok()) return connections;
  Diagnostics wrong(file.string());
  for (const Diagnostic& finding : connections.findings_.errors()) wrong.add(without_secret(finding));
  if (findings) *findings = wrong;
  return wrong.to_error();
}

std::vector<std::string> Connections::unset_variables(const YamlNode& value) const {
  std::vector<std::string> missing;
  substitute(value, environment_, missing);
  return missing;
}

Mark Connections::family_mark(std::string_view family) const {
  const YamlNode::Member* member = root_.find_member(family);
  return member ? member->key_mark : Mark();
}

std::vector<std::string> Connections::families() const {
  std::vector<std::string> names;
  for (const auto& member : root_.members) names.push_back(member.key);
  return names;
}

std::vector<std::string> Connections::aliases(std::string_view family) const {
  std::vector<std::string> names;
  if (const YamlNode* entries = root_.find(family))
    for (const auto& member : entries->members) names.push_back(member.key);
  return names;
}

const YamlNode* Connections::find_entry(const ConnectionRef& ref) const {
  const YamlNode* family = root_.find(ref.family);
  return family ? family->find(ref.alias) : nullptr;
}

Status Connections::family_exists(const std::string& family) const {
  if (root_.members.empty())
    return absent("No connections configured. Create osiris_connections.yaml with " + family + " connections.");
  if (!root_.find(family)) {
    const auto near = nearest(family, families());
    return absent("Connection family '" + family + "' not found. Available families: " + list_aliases(families()),
                  near ? "did you mean '" + *near + "'?" : "");
  }
  if (aliases(family).empty()) return absent("No connections defined for family '" + family + "'");
  return {};
}

Status Connections::exists(const ConnectionRef& ref) const {
  OSIRIS_TRY(family_exists(ref.family));
  if (find_entry(ref)) return {};
  const auto near = nearest(ref.alias, aliases(ref.family));
  return absent("Connection alias '" + ref.alias + "' not found in family '" + ref.family +
                    "'. Available aliases: " + list_aliases(aliases(ref.family)),
                near ? "did you mean '@" + ref.family + "." + *near + "'?" : "");
}

Result<ConnectionRef> Connections::default_of(std::string_view family_view) const {
  const std::string family(family_view);
  OSIRIS_TRY(family_exists(family));
  for (const auto& member : root_.find(family)->members) {
    const YamlNode* marked = member.value.find("default");
    if (marked && marked->scalar.as_bool()) return ConnectionRef{family, member.key};
  }
  if (find_entry({family, "default"})) return ConnectionRef{family, "default"};
  return absent(
      "No default connection for family '" + family + "'. Available aliases: " + list_aliases(aliases(family)) +
      ". Either: 1) Set 'default: true' on an alias, 2) Name an alias 'default', or 3) Specify an alias explicitly.");
}

Result<ResolvedConnection> Connections::resolve(const ConnectionRef& ref,
                                                const std::vector<std::string>& secret_fields) const {
  OSIRIS_TRY(exists(ref));
  const YamlNode& fields = *find_entry(ref);
  ResolvedConnection resolved;
  resolved.ref = ref;
  resolved.mark = fields.mark;
  for (const auto& member : fields.members) {
    if (member.key == "default") continue;
    const std::string field = canonical_field(ref.family, member.key, fields);
    std::vector<std::string> missing;
    Json value = substitute(member.value, environment_, missing);
    if (!missing.empty()) return unset_variable(missing.front(), field, ref);
    if (is_secret_field(field, value, secret_fields))
      resolved.secret_names[field] = "connection/" + ref.family + "." + ref.alias + "/" + field;
    else
      resolved.fields.set(field, std::move(value));
  }
  return resolved;
}

Result<SecretString> Connections::secret_value(std::string_view name) const {
  constexpr std::string_view kPrefix = "connection/";
  const Error unknown = absent("no secret is called '" + std::string(name) + "'");
  if (!name.starts_with(kPrefix)) return unknown;
  name.remove_prefix(kPrefix.size());
  const size_t slash = name.find('/'), dot = name.find('.');
  if (slash == std::string_view::npos || dot == std::string_view::npos || dot > slash) return unknown;
  const ConnectionRef ref{std::string(name.substr(0, dot)), std::string(name.substr(dot + 1, slash - dot - 1))};
  const std::string wanted(name.substr(slash + 1));
  const YamlNode* fields = find_entry(ref);
  if (!fields) return unknown;
  for (const auto& member : fields->members) {
    if (canonical_field(ref.family, member.key, *fields) != wanted || member.key == "default") continue;
    std::vector<std::string> missing;
    Json value = substitute(member.value, environment_, missing);
    if (!missing.empty()) return unset_variable(missing.front(), wanted, ref);
    SecretString secret =
        value.is_string() ? SecretString(std::string_view(value.as_string())) : SecretString(value.dump());
    wipe(value);
    return secret;
  }
  return unknown;
}

Json Connections::describe(const std::map<std::string, std::vector<std::string>>& secret_fields_by_family) const {
  Json families_json = Json::object();
  for (const auto& family : root_.members) {
    Json& aliases_json = families_json.set(family.key, Json::object());
    const auto listed = secret_fields_by_family.find(family.key);
    const std::vector<std::string> secret_fields =
        listed == secret_fields_by_family.end() ? std::vector<std::string>() : listed->second;
    const auto chosen = default_of(family.key);
    for (const auto& alias : family.value.members) {
      Json config = Json::object(), variables = Json::object();
      std::map<std::string, bool> seen;
      for (const auto& member : alias.value.members) {
        if (member.key == "default") continue;
        collect_variables(member.value, environment_, seen);
        std::vector<std::string> missing;
        Json value = substitute(member.value, environment_, missing);
        if (is_secret_field(member.key, value, secret_fields)) {
          // A placeholder that could not be filled is no secret; showing it tells which variable to set.
          const bool only_placeholder =
              !missing.empty() && value.is_string() && value.as_string() == "${" + missing.front() + "}";
          if (!only_placeholder) value = Json(kMasked);
        }
        config.set(canonical_field(family.key, member.key, alias.value), std::move(value));
      }
      for (const auto& [name, is_set] : seen) variables.set(name, is_set);
      aliases_json.set(alias.key, Json::object({{"config", config},
                                                {"env_vars", variables},
                                                {"is_default", chosen.ok() && chosen->alias == alias.key}}));
    }
  }
  return families_json;
}

}  // namespace osiris
