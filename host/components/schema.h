// JSON Schema over a YAML tree, so that every finding has a line and a column. Covers what component specs use: type,
// enum, const, bounds, lengths, pattern, items, uniqueItems, properties, required, additionalProperties, allOf, anyOf,
// oneOf, not.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/yaml/node.h"
#include "protocol/base/json.h"

namespace osiris {

struct SchemaIssue {
  std::string keyword;  // "type", "enum", "required", ...
  std::string path;     // from the value down: "columns[0]"
  std::string message;  // "columns[0] must be a string, got int"
  Mark mark;
  std::string hint;
};

// Strings longer than this are not matched against patterns, but refused: the matcher's stack grows with them.
inline constexpr size_t kPatternTextBytesMax = 4096;

// `name` is how messages call the value.
std::vector<SchemaIssue> check_schema(const Json& schema, const YamlNode& value, const std::string& name);

// "'lf' or 'crlf'", "1, 2 or 3": the values of an enum for a message.
std::string spell_choices(const Json::Array& values);

// A tree without positions, for values that come from JSON.
YamlNode node_from_json(const Json& value);

}  // namespace osiris
