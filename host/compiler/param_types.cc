#include "host/compiler/param_types.h"

#include <map>

namespace osiris {

std::optional<std::string> canonical_param_type(const std::string& type) {
  static const std::map<std::string, std::string> names = {
      {"string", "string"}, {"str", "string"},    {"text", "string"},   {"date", "string"},     {"integer", "integer"},
      {"int", "integer"},   {"number", "number"}, {"float", "number"},  {"boolean", "boolean"}, {"bool", "boolean"},
      {"list", "list"},     {"array", "list"},    {"object", "object"}, {"dict", "object"},     {"mapping", "object"}};
  const auto found = names.find(type);
  return found == names.end() ? std::nullopt : std::optional(found->second);
}

bool fits_param_type(const YamlNode& value, const std::string& type) {
  using Kind = YamlNode::Kind;
  if (type == "string") return value.kind == Kind::kString || value.kind == Kind::kTimestamp;
  if (type == "integer") return value.kind == Kind::kInt;
  if (type == "number") return value.kind == Kind::kInt || value.kind == Kind::kFloat;
  if (type == "boolean") return value.kind == Kind::kBool;
  if (type == "list") return value.is_sequence();
  if (type == "object") return value.is_mapping();
  return true;
}

std::string_view example_of_param_type(std::string_view type) {
  if (type == "integer") return "10";
  if (type == "number") return "1.5";
  if (type == "boolean") return "true";
  if (type == "list") return "[a, b]";
  if (type == "object") return "{name: value}";
  return "\"text\"";
}

}  // namespace osiris
