#include "host/compiler/connection_check.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "host/compat/old_names.h"
#include "host/compiler/yaml_traps.h"
#include "host/components/schema.h"
#include "protocol/base/categories.h"
#include "protocol/base/secret_names.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

// What the component says of a connection field; null when it says nothing.
const Json* schema_of(const ComponentSpec& spec, const std::string& field) {
  if (const Json* extra = spec.connection_schema.find(field)) return extra;
  return spec.connection_field(field) ? spec.config_schema["properties"].find(field) : nullptr;
}

// Gives a text the type the schema wants, where it spells one.
YamlNode typed(const Json& schema, const std::string& field, const Json& value) {
  YamlNode node = node_from_json(value);
  if (!node.is_string() || check_schema(schema, node, field).empty()) return node;
  YamlNode plain = node;
  return plain.take_plain(node.text()) && !plain.is_null() ? plain : node;
}

bool is_name_character(char c, bool is_first) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (!is_first && c >= '0' && c <= '9');
}

// Whether a "${" has no '}' behind it.
bool has_unclosed_brace(const std::string& text) {
  const size_t open = text.rfind("${");
  return open != std::string::npos && text.find('}', open) == std::string::npos;
}

// The name in "$NAME", which nothing replaces; empty when the text is anything else.
std::string_view unbraced_variable(std::string_view text) {
  if (text.size() < 2 || text[0] != '$') return {};
  const std::string_view name = text.substr(1);
  for (size_t i = 0; i < name.size(); ++i)
    if (!is_name_character(name[i], i == 0)) return {};
  return name;
}

bool is_secret_field(const std::string& family, const std::string& field, const ComponentRegistry& registry) {
  if (is_surely_secret(field)) return true;
  const auto specs = registry.all(true);
  return std::any_of(specs.begin(), specs.end(), [&](const ComponentSpec* spec) {
    const auto& secrets = spec->secret_fields;
    return spec->family() == family && std::find(secrets.begin(), secrets.end(), field) != secrets.end();
  });
}

// Of the file, for the lines that findings show: those with a secret are blank.
std::string text_without_secrets(const Connections& connections, const ComponentRegistry& registry) {
  std::set<int> hidden;
  for (const std::string& family : connections.families())
    for (const std::string& alias : connections.aliases(family))
      for (const auto& member : connections.find_entry({family, alias})->members)
        if (is_secret_field(family, member.key, registry))
          hidden.insert({member.key_mark.line, member.value.mark.line});
  std::string shown;
  std::istringstream lines(connections.findings().text());
  int number = 0;
  for (std::string line; std::getline(lines, line);) shown += (hidden.contains(++number) ? "" : line) + "\n";
  return shown;
}

class ConnectionChecker {
 public:
  ConnectionChecker(const ConnectionRef& ref, const Connections& connections, const ComponentRegistry& registry)
      : ref_(ref),
        connections_(connections),
        registry_(registry),
        entry_(*connections.find_entry(ref)),
        location_("connections." + ref.family + "." + ref.alias),
        findings_(connections.file().string()) {
    for (const ComponentSpec* spec : registry.all(true)) {
      if (spec->family() != ref.family) continue;
      specs_.push_back(spec);
      secret_fields_.insert(secret_fields_.end(), spec->secret_fields.begin(), spec->secret_fields.end());
    }
  }

  Diagnostics run() {
    findings_.set_text(text_without_secrets(connections_, registry_));
    check_names();
    check_required();
    for (const auto& member : entry_.members) {
      if (is_secret(member.key)) check_secret(member);
      check_variable(member);
    }
    check_values();
    for (const auto& member : entry_.members)
      if (!is_secret(member.key) && !reported_.contains(member.key)) check_trap(member);
    return std::move(findings_);
  }

 private:
  std::string words(const std::string& field) const {
    return "Field '" + field + "' of connection " + ref_.family + "." + ref_.alias;
  }

  void error(std::string type, std::string message, const std::string& field, Mark mark, std::string hint) {
    findings_.error(std::move(type), std::move(message), location_ + "." + field, mark, std::move(hint));
    reported_.insert(field);
  }
  void warning(std::string type, std::string message, const std::string& field, Mark mark, std::string hint) {
    findings_.warning(std::move(type), std::move(message), location_ + "." + field, mark, std::move(hint));
  }

  // What no step can give.
  void check_required() {
    std::set<std::string> required;
    for (const ComponentSpec* spec : specs_)
      if (!spec->driver.empty()) required.insert(spec->connection_required.begin(), spec->connection_required.end());
    const auto is_named = [&](const std::string& field) {
      return std::any_of(entry_.members.begin(), entry_.members.end(), [&](const auto& member) {
        return member.key == field || current_connection_field(ref_.family, member.key) == field;
      });
    };
    for (const std::string& field : required)
      if (!is_named(field))
        error("missing_required_field",
              "Connection " + ref_.family + "." + ref_.alias + " has no field '" + field + "'", field, entry_.mark,
              "add it: " + field + ": <text>");
  }

  // A family whose specs list no connection properties may have fields that no spec lists.
  void check_names() {
    std::set<std::string> known = {"default", "description"};
    bool is_closed = false, is_run = false;
    for (const ComponentSpec* spec : specs_) {
      for (const ConnectionField& field : spec->connection_fields) known.insert(field.name);
      for (const auto& field : spec->connection_schema.members()) known.insert(field.first);
      is_closed |= spec->connection_schema.size() > 0;
      is_run |= !spec->driver.empty();
    }
    if (!is_closed) return;
    for (const std::string_view field : old_connection_fields(ref_.family)) known.emplace(field);
    for (const auto& member : entry_.members) {
      if (known.contains(member.key)) continue;
      const auto near = nearest(member.key, {known.begin(), known.end()});
      const std::string message = "Unknown field '" + member.key + "' of connection " + ref_.family + "." + ref_.alias;
      const std::string hint =
          near ? "did you mean '" + *near + "'?" : "known fields: " + join({known.begin(), known.end()}, ", ");
      if (is_run)
        error("unknown_connection_field", message, member.key, member.key_mark, hint);
      else
        warning("unknown_connection_field", message, member.key, member.key_mark, hint);
    }
  }

  bool is_secret(const std::string& field) const { return is_secret_field(ref_.family, field, registry_); }

  // Without the value, whatever is wrong with it. A number would be sent in another spelling than it was written in.
  void check_secret(const YamlNode::Member& member) {
    using Kind = YamlNode::Kind;
    const Kind kind = member.value.kind;
    if (kind == Kind::kString) return;
    if (kind == Kind::kSequence || kind == Kind::kMapping) {
      if (!is_accepted(member))
        error("invalid_connection_value", words(member.key) + " must be text", member.key, member.value.mark,
              "put it in quotes");
      return;
    }
    if (kind == Kind::kNull)
      return error("invalid_connection_value", words(member.key) + " is empty", member.key, member.key_mark,
                   "write \"\" for an empty one, or remove the line");
    const char* read_as = kind == Kind::kBool ? "a boolean" : kind == Kind::kTimestamp ? "a date" : "a number";
    error("invalid_connection_value", words(member.key) + " must be text, and YAML reads what is written as " + read_as,
          member.key, member.value.mark, "put it in quotes");
  }

  bool is_accepted(const YamlNode::Member& member) const {
    return std::all_of(specs_.begin(), specs_.end(), [&](const ComponentSpec* spec) {
      const Json* schema = schema_of(*spec, member.key);
      return !schema || check_schema(*schema, member.value, member.key).empty();
    });
  }

  void check_trap(const YamlNode::Member& member) {
    const YamlTrap trap = trap_of(member.value);
    const bool is_wanted =
        member.value.kind == YamlNode::Kind::kBool && (member.key == "default" || wants_boolean(member.key));
    if (!trap.message.empty() && !is_wanted)
      warning("yaml_trap", words(member.key) + ": " + trap.message, member.key, member.value.mark, trap.hint);
  }

  bool wants_boolean(const std::string& field) const {
    return std::any_of(specs_.begin(), specs_.end(), [&](const ComponentSpec* spec) {
      const Json* schema = schema_of(*spec, field);
      return schema && (*schema)["type"].as_string() == "boolean";
    });
  }

  // The name of a variable that is not set may be a password that begins with '$': it is not shown.
  void check_variable(const YamlNode::Member& member) {
    if (member.key == "default" && member.value.kind != YamlNode::Kind::kBool)
      return error("invalid_connection_value", words(member.key) + " must be true or false", member.key,
                   member.value.mark, "write default: true on one alias of the family, and leave it out elsewhere");
    if (has_unclosed_brace(member.value.text()))
      return error("invalid_connection_value", words(member.key) + " holds a '${' that is never closed", member.key,
                   member.value.mark, "close it with '}': ${NAME} or ${NAME:-default}");
    const std::string_view name = unbraced_variable(member.value.text());
    if (name.empty()) return;
    const std::string message = words(member.key) + " begins with '$' and no brace follows: it is text, no variable";
    if (connections_.has_variable(name))
      error("unbraced_variable", message, member.key, member.value.mark, "write ${" + std::string(name) + "}");
    else
      warning("unbraced_variable", message, member.key, member.value.mark, "write ${NAME} if a variable is meant");
  }

  void check_values() {
    bool is_resolved = true;
    for (const auto& member : entry_.members)
      for (const std::string& variable : connections_.unset_variables(member.value)) {
        const Error unset = unset_variable(variable, member.key, ref_);
        warning("unresolved_connection", unset.message, member.key, member.value.mark, unset.hint);
        is_resolved = false;
      }
    const auto resolved = connections_.resolve(ref_, secret_fields_);
    if (!is_resolved || !resolved.ok()) return;
    for (const auto& [field, value] : resolved->fields.members()) {
      for (const ComponentSpec* spec : specs_) {
        const Json* schema = schema_of(*spec, field);
        if (!schema || reported_.contains(field)) continue;
        const YamlNode* written = entry_.find(field);
        for (const SchemaIssue& issue : check_schema(*schema, typed(*schema, field, value), field)) {
          const YamlTrap trap = written ? trap_of(*written) : YamlTrap{};
          error("invalid_connection_value", trap.message.empty() ? issue.message : issue.message + ": " + trap.message,
                field, written ? written->mark : entry_.mark, trap.hint.empty() ? issue.hint : trap.hint);
        }
      }
    }
  }

  const ConnectionRef& ref_;
  const Connections& connections_;
  const ComponentRegistry& registry_;
  const YamlNode& entry_;
  const std::string location_;
  Diagnostics findings_;
  std::vector<const ComponentSpec*> specs_;  // of the family
  std::vector<std::string> secret_fields_;
  std::set<std::string> reported_;  // fields with an error
};

}  // namespace

Result<ResolvedConnection> resolve_for(const ComponentSpec& spec, const ConnectionRef& ref,
                                       const Connections& connections) {
  OSIRIS_ASSIGN(ResolvedConnection resolved, connections.resolve(ref, spec.secret_fields));
  for (auto& [field, value] : resolved.fields.members()) {
    const Json* schema = schema_of(spec, field);
    if (!schema) continue;
    const YamlNode node = typed(*schema, field, value);
    const auto issues = check_schema(*schema, node, field);
    if (!issues.empty())
      return Error(Code::kInvalidArgument, "Connection " + ref.family + "." + ref.alias + ": " + issues.front().message,
                   issues.front().hint, category::kConnectionInvalidConfig);
    value = node.to_json();
  }
  return resolved;
}

Diagnostics check_connection(const ConnectionRef& ref, const Connections& connections,
                             const ComponentRegistry& registry) {
  return ConnectionChecker(ref, connections, registry).run();
}

Diagnostics check_used_connections(const std::vector<ConnectionRef>& refs, const Connections& connections,
                                   const ComponentRegistry& registry) {
  Diagnostics findings(connections.file().string());
  std::set<std::string> seen;
  for (const ConnectionRef& ref : refs) {
    if (!connections.exists(ref).ok()) continue;
    if (seen.empty()) findings.append(connections.findings());
    if (!seen.insert(ref.text()).second) continue;
    const Diagnostics found = check_connection(ref, connections, registry);
    for (const Diagnostic& error : found.errors()) findings.add(error);
    for (const Diagnostic& warning : found.warnings())
      if (warning.type != "unresolved_connection") findings.add(warning);
  }
  return findings;
}

namespace {

std::string hint_for_family(const std::string& family, const std::vector<const ComponentSpec*>& specs) {
  std::set<std::string> known;
  for (const ComponentSpec* spec : specs)
    if (!spec->hidden) known.insert(spec->family());
  const std::vector<std::string> names(known.begin(), known.end());
  const auto near = nearest(family, names);
  return near ? "did you mean '" + *near + "'?" : "the families are: " + join(names, ", ");
}

}  // namespace

void check_connections(const Connections& connections, const ComponentRegistry& registry, Diagnostics& diagnostics) {
  Diagnostics findings(connections.file().string());
  findings.append(connections.findings());
  findings.set_text(text_without_secrets(connections, registry));
  for (const std::string& family : connections.families()) {
    const auto specs = registry.all(true);
    if (std::none_of(specs.begin(), specs.end(), [&](const ComponentSpec* spec) { return spec->family() == family; }))
      findings.warning("unknown_connection_family", "No component uses connections of family '" + family + "'",
                       "connections." + family, connections.family_mark(family), hint_for_family(family, specs));
    std::vector<std::string> defaults;
    for (const std::string& alias : connections.aliases(family)) {
      const ConnectionRef ref{family, alias};
      const YamlNode* marked = connections.find_entry(ref)->find("default");
      if (marked && marked->scalar.as_bool()) defaults.push_back(alias);
      findings.append(check_connection(ref, connections, registry));
    }
    if (defaults.size() > 1)
      findings.warning("two_defaults",
                       "Family '" + family + "' has more than one default: " + join(defaults, ", ") + "; '" +
                           defaults[0] + "' is used",
                       "connections." + family, connections.find_entry({family, defaults[1]})->find("default")->mark,
                       "leave default: true on one of them");
  }
  diagnostics.append(findings);
}

}  // namespace osiris
