#include "host/project/connections_file.h"

#include <algorithm>
#include <string>

#include "protocol/base/text.h"

namespace osiris {
namespace {

constexpr char kLayout[] = "the layout is connections: {<family>: {<alias>: {<field>: <value>}}}";

bool is_mapping_of_mappings(const YamlNode& node) {
  return node.is_mapping() && !node.members.empty() &&
         std::all_of(node.members.begin(), node.members.end(),
                     [](const YamlNode::Member& member) { return member.value.is_mapping(); });
}

void check_top_level(const YamlNode& document, Diagnostics& findings) {
  const bool has_connections = document.find("connections") != nullptr;
  for (const auto& member : document.members) {
    if (member.key == "version" || member.key == "connections") continue;
    const auto near = nearest(member.key, {"connections", "version"});
    if (!has_connections && near == "connections")
      findings.error("unknown_key", "Unknown key '" + member.key + "'", member.key, member.key_mark,
                     "did you mean 'connections'?");
    else if (!has_connections && is_mapping_of_mappings(member.value))
      findings.error("flat_layout", "'" + member.key + "' stands at the top level, and connections are not read there",
                     member.key, member.key_mark, "write the line 'connections:' above and indent all below it");
    else
      findings.warning("unknown_key", "Unknown key '" + member.key + "'", member.key, member.key_mark,
                       near ? "did you mean '" + *near + "'?" : "");
  }
}

void check_family(const YamlNode::Member& family, Diagnostics& findings) {
  const std::string location = "connections." + family.key;
  if (!family.value.is_mapping() && !family.value.is_null())
    findings.error("invalid_type",
                   family.key + " must be a mapping of aliases, got " + std::string(family.value.python_type()),
                   location, family.value.mark, kLayout);
  for (const auto& alias : family.value.members)
    if (!alias.value.is_mapping())
      findings.error(
          "invalid_type",
          family.key + "." + alias.key + " must be a mapping of fields, got " + std::string(alias.value.python_type()),
          location + "." + alias.key, alias.value.mark, kLayout);
}

}  // namespace

YamlNode read_connections_file(const std::filesystem::path& file, Diagnostics& findings) {
  const YamlNode document = parse_yaml_file(file.string(), findings);
  if (!findings.ok() || document.is_null()) return {};
  if (!document.is_mapping()) {
    findings.error("invalid_type", "The connections file must be a mapping, got " + std::string(document.python_type()),
                   "root", document.mark, kLayout);
    return {};
  }
  check_top_level(document, findings);
  const YamlNode* connections = document.find("connections");
  if (!connections) return {};
  if (!connections->is_mapping() && !connections->is_null())
    findings.error("invalid_type", "connections must be a mapping, got " + std::string(connections->python_type()),
                   "connections", connections->mark, kLayout);
  for (const auto& family : connections->members) check_family(family, findings);
  return *connections;
}

}  // namespace osiris
