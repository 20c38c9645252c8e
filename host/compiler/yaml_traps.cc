#include "host/compiler/yaml_traps.h"

#include <algorithm>

namespace osiris {
namespace {

bool takes_boolean(const Json& schema) {
  const Json& type = schema["type"];
  if (type.as_string() == "boolean") return true;
  return std::any_of(type.items().begin(), type.items().end(),
                     [](const Json& one) { return one.as_string() == "boolean"; });
}

YamlTrap trap(const std::string& written, const std::string& value, bool is_boolean) {
  const std::string text = "\"" + written + "\"";
  return {"'" + written + "' is read as " + value + " (YAML 1.1)",
          is_boolean ? "write " + text + " if text is meant, " + value + " if not"
                     : "write " + text + " if text is meant, or the number without leading zeros and colons"};
}

class TrapFinder {
 public:
  TrapFinder(const ComponentRegistry& registry, const SqlTexts& sql, Diagnostics& diagnostics)
      : registry_(registry), sql_(sql), diagnostics_(diagnostics) {}

  // `schema`: what the place wants; null where nothing is known.
  void check(const YamlNode& node, const std::string& location, const Json& schema) {
    if (!node.written.empty() && !(node.kind == YamlNode::Kind::kBool && takes_boolean(schema))) {
      const YamlTrap found = trap_of(node);
      warn(found, location, node.mark);
    }
    check_folding(node);
    for (size_t i = 0; i < node.items.size(); ++i)
      check(node.items[i], location + "[" + std::to_string(i) + "]", schema["items"]);
    for (const auto& member : node.members) {
      const std::string here = location.empty() ? member.key : location + "." + member.key;
      if (!member.key_written.empty()) warn(trap(member.key_written, member.key, true), here, member.key_mark);
      const Json* property = schema["properties"].find(member.key);
      check(member.value, here, property ? *property : schema["additionalProperties"]);
    }
  }

  void check_root(const YamlNode& root) {
    for (const auto& member : root.members) {
      if (member.key == "steps")
        check_steps(member.value);
      else
        check(member.value, member.key, member.key == "params" ? params_schema(member.value) : Json());
    }
  }

 private:
  void check_steps(const YamlNode& steps) {
    for (size_t i = 0; i < steps.items.size(); ++i) {
      const YamlNode& step = steps.items[i];
      const YamlNode* component = step.find("component") ? step.find("component") : step.find("uses");
      const ComponentSpec* spec = component ? registry_.find(component->text()) : nullptr;
      Json properties = Json::object();
      for (const char* key : {"config", "with"}) properties.set(key, spec ? spec->config_schema : Json());
      check(step, "steps[" + std::to_string(i) + "]", Json::object({{"properties", properties}}));
    }
  }

  // A parameter that is declared a boolean takes yes and no.
  static Json params_schema(const YamlNode& params) {
    static const Json kBoolean = Json::object({{"type", "boolean"}});
    Json declared = Json::object();
    for (const auto& member : params.members) {
      const YamlNode* type = member.value.find("type");
      if (type && (type->text() == "boolean" || type->text() == "bool"))
        declared.set(member.key, Json::object({{"properties", Json::object({{"default", kBoolean}})}}));
    }
    return Json::object({{"properties", declared}});
  }

  void check_folding(const YamlNode& node) {
    const auto sql = node.folded_dashes.line == 0 ? sql_.end() : sql_.find(&node);
    if (sql == sql_.end()) return;
    const std::string& text = node.text();
    for (size_t at = text.find("--"); at != std::string::npos; at = text.find("--", at + 2)) {
      if (positions_in(text, sql->second.dialect, {at + 2})[0].place != SqlPlace::kLineComment) continue;
      return warn({"the line breaks of this SQL are folded, so '--' makes a comment of all that follows it",
                   "begin the text with '|', which keeps its lines, or write the comment as /* ... */"},
                  sql->second.location, node.folded_dashes);
    }
  }

  void warn(const YamlTrap& found, const std::string& location, Mark mark) {
    diagnostics_.warning("yaml_trap", found.message, location, mark, found.hint);
  }

  const ComponentRegistry& registry_;
  const SqlTexts& sql_;
  Diagnostics& diagnostics_;
};

}  // namespace

YamlTrap trap_of(const YamlNode& node) {
  if (node.written.empty()) return {};
  return trap(node.written, node.scalar.dump(), node.kind == YamlNode::Kind::kBool);
}

void check_yaml_traps(const YamlNode& root, const ComponentRegistry& registry, const SqlTexts& sql,
                      Diagnostics& diagnostics) {
  TrapFinder(registry, sql, diagnostics).check_root(root);
}

}  // namespace osiris
