// A YAML document as a tree of values that remember where they were written, read as PyYAML's safe loader reads it:
// YAML 1.1 scalars (yes/no/on/off, octal 010, 12:30:00, dates, floats that need a dot), merge keys, aliases, last
// duplicate wins. yaml-cpp only delivers the events (parse.cc); what a plain scalar means is decided by
// host/compat/pyyaml_scalar.h.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/yaml/diagnostic.h"
#include "protocol/base/json.h"

namespace osiris {

class YamlNode {
 public:
  enum class Kind { kNull, kBool, kInt, kFloat, kString, kTimestamp, kSequence, kMapping };
  struct Member;

  Kind kind = Kind::kNull;
  Mark mark;
  // The value of a scalar. A timestamp is the text Python's str() gives: "2025-01-01", "2025-01-01 10:00:00+00:00".
  Json scalar;
  std::vector<YamlNode> items;  // of a sequence
  std::vector<Member> members;  // of a mapping, in file order, keys unique
  // How a plain scalar was written that YAML 1.1 reads as something its text does not show: NO, 010, 1:30. Otherwise
  // empty.
  std::string written;
  // Of a "--" whose rest of the line folding joined with the next one; unknown: there is none.
  Mark folded_dashes;

  bool is_null() const { return kind == Kind::kNull; }
  bool is_string() const { return kind == Kind::kString; }
  bool is_sequence() const { return kind == Kind::kSequence; }
  bool is_mapping() const { return kind == Kind::kMapping; }
  // Of a string or timestamp; empty for others.
  const std::string& text() const { return scalar.as_string(); }
  // A member's value; null when absent or when this is no mapping.
  const YamlNode* find(std::string_view key) const;
  YamlNode* find(std::string_view key);
  const Member* find_member(std::string_view key) const;
  bool erase(std::string_view key);

  // Becomes what `text` means as a plain (unquoted, untagged) scalar. kInvalidArgument, and nothing changes, for values
  // that no JSON document can hold.
  Status take_plain(std::string_view text);

  // Becomes a scalar of the kind that `value` has.
  void take_scalar(Json value);

  // "str", "int", "float", "bool", "list", "dict", "NoneType", "date": the names Python Osiris's messages use.
  std::string_view python_type() const;
  // Plain values; keys and timestamps as text.
  Json to_json() const;
};

// A key that is no string is kept as the text JSON gives it: true, 1, null.
struct YamlNode::Member {
  std::string key;
  Mark key_mark;
  YamlNode value;
  std::string key_written = {};  // as YamlNode::written
};

struct YamlLimits {
  int depth_max = 100;
  size_t alias_nodes_max = 100'000;  // nodes that aliases and merges may add: bounds "billion laughs" files
  size_t bytes_max = 64u << 20;
  // What a plain scalar without a tag means; empty: YAML 1.1.
  std::function<Json(const std::string&)> plain_scalar = {};
};

// The only document of `text`; an empty text is a null node. Syntax errors (type yaml_parse_error) and duplicate keys
// (warning duplicate_key) go to `diagnostics`; returns a null node after an error.
YamlNode parse_yaml(std::string_view text, Diagnostics& diagnostics, const YamlLimits& limits = {});

// The same from a file: file_not_found, read_error and yaml_parse_error as diagnostics.
YamlNode parse_yaml_file(const std::string& path, Diagnostics& diagnostics, const YamlLimits& limits = {});

}  // namespace osiris
