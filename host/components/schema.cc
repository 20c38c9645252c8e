#include "host/components/schema.h"

#include <regex>
#include <set>

#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris {
namespace {

// A string or a list of strings, as `type` may be.
std::vector<std::string> type_list(const Json& types) {
  std::vector<std::string> list;
  if (types.is_string()) list.push_back(types.as_string());
  for (const Json& type : types.items()) list.push_back(type.as_string());
  return list;
}

bool has_type(const YamlNode& value, const std::string& type) {
  using Kind = YamlNode::Kind;
  switch (value.kind) {
    case Kind::kNull:
      return type == "null";
    case Kind::kBool:
      return type == "boolean";
    case Kind::kInt:
      return type == "integer" || type == "number";
    case Kind::kFloat:
      return type == "number";
    case Kind::kString:
    case Kind::kTimestamp:
      return type == "string";
    case Kind::kSequence:
      return type == "array";
    case Kind::kMapping:
      return type == "object";
  }
  return false;
}

std::string spell_type(const std::string& type) {
  if (type == "array") return "a list";
  if (type == "object") return "a mapping";
  if (type == "integer") return "an integer";
  if (type == "null") return "null";
  return "a " + type;
}

std::string spell_list(const std::vector<std::string>& words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

std::string spell_value(const Json& value) { return value.is_string() ? "'" + value.as_string() + "'" : value.dump(); }

class SchemaChecker {
 public:
  void check(const Json& schema, const YamlNode& value, const std::string& path) {
    if (schema.is_bool() && !schema.as_bool()) return issue("false", path, " is not allowed", value.mark);
    if (!schema.is_object()) return;
    if (!check_type(schema, value, path)) return;
    check_choices(schema, value, path);
    if (value.scalar.is_number()) check_bounds(schema, value, path);
    if (value.scalar.is_string()) check_text(schema, value, path);
    if (value.is_sequence()) check_items(schema, value, path);
    if (value.is_mapping()) check_members(schema, value, path);
    check_combinations(schema, value, path);
  }

  std::vector<SchemaIssue> issues;

 private:
  void issue(std::string keyword, const std::string& path, const std::string& what, Mark mark, std::string hint = {}) {
    issues.push_back({std::move(keyword), path, path + what, mark, std::move(hint)});
  }

  bool check_type(const Json& schema, const YamlNode& value, const std::string& path) {
    const auto types = type_list(schema["type"]);
    if (types.empty()) return true;
    std::vector<std::string> spelled;
    for (const std::string& type : types) {
      if (has_type(value, type)) return true;
      spelled.push_back(spell_type(type));
    }
    std::string hint;
    if (value.kind == YamlNode::Kind::kBool && types[0] == "string")
      hint = "YAML reads yes, no, on and off as booleans: put the word in quotes";
    else
      hint = hint_for_types(types, path, schema["default"]);
    issue("type", path, " must be " + spell_list(spelled) + ", got " + std::string(value.python_type()), value.mark,
          std::move(hint));
    return false;
  }

  // What a value of these types looks like; `usual`: the default, or null.
  static std::string hint_for_types(const std::vector<std::string>& types, const std::string& path, const Json& usual) {
    const std::string key = path.substr(path.find_last_of('.') + 1);
    if (usual.is_int() && types.size() == 1) return "for example " + key + ": " + usual.dump();
    std::vector<std::string> forms;
    for (const std::string& type : types) {
      if (type == "boolean") forms.push_back(key + ": true");
      if (type == "integer") forms.push_back(key + ": 10");
      if (type == "number") forms.push_back(key + ": 1.5");
      if (type == "string") forms.push_back(key + ": \"text\"");
      if (type == "array") forms.push_back(key + ": [a, b]");
      if (type == "object") forms.push_back(key + ": {name: value}");
    }
    return forms.empty() ? "" : "for example " + join(forms, " or ");
  }

  // The only one that begins with what was written, or the nearest.
  static std::optional<std::string> meant_word(const std::string& written, const std::vector<std::string>& words) {
    const auto begins = [&](const std::string& word) { return written.size() > 1 && word.starts_with(written); };
    const auto first = std::find_if(words.begin(), words.end(), begins);
    if (first != words.end() && std::find_if(first + 1, words.end(), begins) == words.end()) return *first;
    return nearest(written, words);
  }

  void check_choices(const Json& schema, const YamlNode& value, const std::string& path) {
    const Json plain = schema.contains("enum") || schema.contains("const") ? value.to_json() : Json();
    if (const Json* choices = schema.find("enum")) {
      for (const Json& choice : choices->items())
        if (choice == plain) return;
      std::vector<std::string> words;
      for (const Json& choice : choices->items()) words.push_back(choice.as_string());
      const auto near = plain.is_string() ? meant_word(plain.as_string(), words) : std::nullopt;
      issue("enum", path, " must be " + spell_choices(choices->items()) + ", got " + spell_value(plain), value.mark,
            near ? "did you mean '" + *near + "'?" : "");
    }
    if (const Json* constant = schema.find("const"); constant && !(*constant == plain))
      issue("const", path, " must be " + spell_value(*constant) + ", got " + spell_value(plain), value.mark);
  }

  void check_bounds(const Json& schema, const YamlNode& value, const std::string& path) {
    const double number = value.scalar.as_double();
    auto bound = [&](const char* keyword, const char* words, auto holds) {
      const Json& limit = schema[keyword];
      if (limit.is_number() && !holds(number, limit.as_double()))
        issue(
            keyword, path,
            " must be " + std::string(words) + " " + limit.dump_canonical() + ", got " + value.scalar.dump_canonical(),
            value.mark);
    };
    bound("minimum", "at least", [](double a, double b) { return a >= b; });
    bound("maximum", "at most", [](double a, double b) { return a <= b; });
    bound("exclusiveMinimum", "greater than", [](double a, double b) { return a > b; });
    bound("exclusiveMaximum", "less than", [](double a, double b) { return a < b; });
  }

  void check_text(const Json& schema, const YamlNode& value, const std::string& path) {
    const std::string& text = value.text();
    const size_t length = count_utf8(text);
    const Json &least = schema["minLength"], &most = schema["maxLength"];
    if (least.is_int() && length < least.as_uint())
      issue("minLength", path,
            length == 0 ? " must not be empty" : " must have at least " + least.dump() + " characters", value.mark);
    if (most.is_int() && length > most.as_uint())
      issue(
          "maxLength", path,
          " must have at most " + most.dump() + (most.as_uint() == 1 ? " character, got " : " characters, got ") +
              std::to_string(length),
          value.mark,
          most.as_uint() == 1 && (text == "\\t" || text == "tab") ? "a tab is written \"\\t\", in double quotes" : "");
    if (const Json& pattern = schema["pattern"]; pattern.is_string())
      check_pattern(pattern.as_string(), text, value.mark, path);
  }

  void check_pattern(const std::string& pattern, const std::string& text, Mark mark, const std::string& path) {
    if (text.size() > kPatternTextBytesMax)
      return issue("pattern", path, " is longer than " + std::to_string(kPatternTextBytesMax) + " bytes", mark);
    try {
      if (!std::regex_search(text, std::regex(pattern, std::regex::ECMAScript)))
        issue("pattern", path, " must match " + pattern + ", got '" + text.substr(0, 60) + "'", mark);
    } catch (const std::regex_error&) {
      issue("pattern", path, " cannot be checked: the component's pattern " + pattern + " is not a regular expression",
            mark, "report it to the component's author");
    }
  }

  void check_items(const Json& schema, const YamlNode& value, const std::string& path) {
    const Json &least = schema["minItems"], &most = schema["maxItems"];
    if (least.is_int() && value.items.size() < least.as_uint())
      issue("minItems", path, " must have at least " + least.dump() + (least.as_uint() == 1 ? " entry" : " entries"),
            value.mark);
    if (most.is_int() && value.items.size() > most.as_uint())
      issue("maxItems", path, " must have at most " + most.dump() + " entries", value.mark);
    const Json* each = schema.find("items");
    const bool unique = schema["uniqueItems"].as_bool();
    std::set<std::string> seen;
    for (size_t i = 0; i < value.items.size(); ++i) {
      const std::string here = path + "[" + std::to_string(i) + "]";
      if (each) check(*each, value.items[i], here);
      if (unique && !seen.insert(value.items[i].to_json().dump_canonical()).second)
        issue("uniqueItems", here, " is listed twice", value.items[i].mark);
    }
  }

  void check_members(const Json& schema, const YamlNode& value, const std::string& path) {
    const Json& properties = schema["properties"];
    const Json* others = schema.find("additionalProperties");
    for (const YamlNode::Member& member : value.members) {
      const std::string here = path + "." + member.key;
      if (const Json* property = properties.find(member.key)) {
        check(*property, member.value, here);
      } else if (others && others->is_bool() && !others->as_bool()) {
        std::vector<std::string> known;
        for (const auto& property_member : properties.members()) known.push_back(property_member.first);
        const auto near = nearest(member.key, known);
        issue("additionalProperties", here, " is not a known key", member.key_mark,
              near ? "did you mean '" + *near + "'?" : "");
      } else if (others) {
        check(*others, member.value, here);
      }
    }
    for (const Json& required : schema["required"].items())
      if (!value.find(required.as_string()))
        issue("required", path + "." + required.as_string(), " is missing", value.mark);
  }

  bool passes(const Json& schema, const YamlNode& value, const std::string& path) const {
    SchemaChecker trial;
    trial.check(schema, value, path);
    return trial.issues.empty();
  }

  void check_combinations(const Json& schema, const YamlNode& value, const std::string& path) {
    for (const Json& part : schema["allOf"].items()) check(part, value, path);
    auto count = [&](const Json& parts) {
      size_t passing = 0;
      for (const Json& part : parts.items()) passing += passes(part, value, path) ? 1 : 0;
      return passing;
    };
    if (const Json* parts = schema.find("anyOf"); parts && count(*parts) == 0)
      none_passes("anyOf", *parts, value, path);
    if (const Json* parts = schema.find("oneOf")) {
      const size_t passing = count(*parts);
      if (passing == 0) none_passes("oneOf", *parts, value, path);
      if (passing > 1)
        issue("oneOf", path, " fits more than one of the forms it may have" + required_words(*parts, " and "),
              value.mark);
    }
    if (const Json* part = schema.find("not"); part && passes(*part, value, path))
      issue("not", path, " has a form it must not have", value.mark);
  }

  // ": 'query' or 'table'" when every part is only a list of required keys.
  static std::string required_words(const Json& parts, const std::string& separator) {
    std::vector<std::string> words;
    for (const Json& part : parts.items())
      for (const Json& key : part["required"].items()) words.push_back("'" + key.as_string() + "'");
    return words.empty() ? "" : ": " + join(words, separator);
  }

  void none_passes(const char* keyword, const Json& parts, const YamlNode& value, const std::string& path) {
    issue(keyword, path, " has none of the forms it may have" + required_words(parts, " or "), value.mark);
  }
};

}  // namespace

std::string spell_choices(const Json::Array& values) {
  std::vector<std::string> words;
  for (const Json& value : values) words.push_back(spell_value(value));
  return spell_list(words);
}

std::vector<SchemaIssue> check_schema(const Json& schema, const YamlNode& value, const std::string& name) {
  SchemaChecker checker;
  checker.check(schema, value, name);
  return std::move(checker.issues);
}

YamlNode node_from_json(const Json& value) {
  YamlNode node;
  if (value.is_array()) {
    node.kind = YamlNode::Kind::kSequence;
    for (const Json& item : value.items()) node.items.push_back(node_from_json(item));
  } else if (value.is_object()) {
    node.kind = YamlNode::Kind::kMapping;
    for (const auto& [key, member] : value.members()) node.members.push_back({key, {}, node_from_json(member)});
  } else {
    node.scalar = value;
    node.kind = value.is_null()     ? YamlNode::Kind::kNull
                : value.is_bool()   ? YamlNode::Kind::kBool
                : value.is_int()    ? YamlNode::Kind::kInt
                : value.is_double() ? YamlNode::Kind::kFloat
                                    : YamlNode::Kind::kString;
  }
  return node;
}

}  // namespace osiris
