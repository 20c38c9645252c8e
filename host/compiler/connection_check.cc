#include "host/compiler/connection_check.h"

#include <algorithm>
#include <set>

#include "host/compat/old_names.h"
#include "host/components/schema.h"
#include "protocol/base/categories.h"
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

void check_connection(const ConnectionRef& ref, const YamlNode& entry, const std::vector<const ComponentSpec*>& specs,
                      const Connections& connections, Diagnostics& diagnostics) {
  const std::string location = "connections." + ref.family + "." + ref.alias;
  std::set<std::string> known = {"default", "description"};
  std::vector<std::string> secret_fields;
  bool is_closed = !specs.empty();
  for (const ComponentSpec* spec : specs) {
    for (const ConnectionField& field : spec->connection_fields) known.insert(field.name);
    for (const auto& field : spec->connection_schema.members()) known.insert(field.first);
    secret_fields.insert(secret_fields.end(), spec->secret_fields.begin(), spec->secret_fields.end());
  }
  // A family whose specs list no connection properties may have fields that no spec lists.
  is_closed = is_closed && std::any_of(specs.begin(), specs.end(),
                                       [](const ComponentSpec* spec) { return spec->connection_schema.size() > 0; });
  for (const std::string_view field : old_connection_fields(ref.family)) known.emplace(field);
  for (const auto& member : entry.members) {
    if (!is_closed || known.contains(member.key)) continue;
    const auto near = nearest(member.key, {known.begin(), known.end()});
    diagnostics.warning("unknown_connection_field",
                        "Unknown field '" + member.key + "' of connection " + ref.family + "." + ref.alias,
                        location + "." + member.key, member.key_mark, near ? "did you mean '" + *near + "'?" : "");
  }
  const auto resolved = connections.resolve(ref, secret_fields);
  if (!resolved.ok())
    return diagnostics.warning("unresolved_connection", resolved.error().message, location, entry.mark,
                               resolved.error().hint);
  std::set<std::string> reported;
  for (const auto& [field, value] : resolved->fields.members()) {
    for (const ComponentSpec* spec : specs) {
      const Json* schema = schema_of(*spec, field);
      const YamlNode* written = entry.find(field);
      if (!schema || reported.contains(field)) continue;
      for (const SchemaIssue& issue : check_schema(*schema, typed(*schema, field, value), field)) {
        reported.insert(field);
        diagnostics.error("invalid_connection_value", issue.message, location + "." + field,
                          written ? written->mark : entry.mark, issue.hint);
      }
    }
  }
}

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

void check_connections(const Connections& connections, const ComponentRegistry& registry, Diagnostics& diagnostics) {
  Diagnostics findings(connections.file().string());
  for (const std::string& family : connections.families()) {
    std::vector<const ComponentSpec*> specs;
    for (const ComponentSpec* spec : registry.all(true))
      if (spec->family() == family) specs.push_back(spec);
    std::vector<std::string> defaults;
    for (const std::string& alias : connections.aliases(family)) {
      const ConnectionRef ref{family, alias};
      const YamlNode* entry = connections.find_entry(ref);
      if (const YamlNode* marked = entry->find("default"); marked && marked->scalar.as_bool())
        defaults.push_back(alias);
      check_connection(ref, *entry, specs, connections, findings);
    }
    if (defaults.size() > 1)
      findings.warning("two_defaults",
                       "Family '" + family + "' has more than one default: " + join(defaults, ", ") + "; '" +
                           defaults[0] + "' is used",
                       "connections." + family, {});
    if (specs.empty())
      findings.warning("unknown_connection_family", "No component uses connections of family '" + family + "'",
                       "connections." + family, {});
  }
  diagnostics.append(findings);
}

}  // namespace osiris
