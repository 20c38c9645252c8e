#include "host/compiler/step_config.h"

#include <algorithm>

#include "host/components/schema.h"
#include "protocol/base/secret_names.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

const YamlNode& empty_mapping() {
  static const YamlNode node = [] {
    YamlNode mapping;
    mapping.kind = YamlNode::Kind::kMapping;
    return mapping;
  }();
  return node;
}

// A mapping of names to values none of which is about authentication, such as headers {Accept: ...}.
bool is_harmless_mapping(const YamlNode& value) {
  if (!value.is_mapping()) return false;
  return std::none_of(value.members.begin(), value.members.end(), [](const YamlNode::Member& member) {
    return names_a_secret(member.key) || member.key.find("ookie") != std::string::npos ||
           member.key.find("COOKIE") != std::string::npos;
  });
}

class ConfigChecker {
 public:
  ConfigChecker(const OmlStep& step, const ConfigChecks& checks, Diagnostics& diagnostics)
      : step_(step),
        spec_(*step.spec),
        checks_(checks),
        diagnostics_(diagnostics),
        config_(step.config ? *step.config : empty_mapping()),
        mark_(step.config ? step.config->mark : step.mark),
        location_(step.location + ".config") {}

  StepConfig run() {
    find_connection();
    for (const auto& member : config_.members) check_member(member);
    check_required();
    check_combinations();
    check_constraints();
    write_cfg();
    std::sort(result_.overrides.begin(), result_.overrides.end());
    return std::move(result_);
  }

 private:
  void error(std::string type, std::string message, const std::string& key, Mark mark, std::string hint = {}) {
    diagnostics_.error(std::move(type), std::move(message), key.empty() ? location_ : location_ + "." + key, mark,
                       std::move(hint));
  }
  void warning(std::string type, std::string message, const std::string& key, Mark mark, std::string hint = {}) {
    diagnostics_.warning(std::move(type), std::move(message), location_ + "." + key, mark, std::move(hint));
  }

  // The scan of the whole document may have said it already.
  bool is_reported(std::string_view type, const std::string& key) const {
    const auto& errors = diagnostics_.errors();
    return std::any_of(errors.begin(), errors.end(), [&](const Diagnostic& found) {
      return found.type == type && found.location == location_ + "." + key;
    });
  }

  bool takes_connections() const {
    return !spec_.connection_fields.empty() || !spec_.base_dir_field.empty() ||
           !spec_.connection_schema.members().empty();
  }
  bool is_property(const std::string& key) const { return spec_.config_schema["properties"].contains(key); }

  void find_connection() {
    if (const YamlNode* written = config_.find("connection")) return read_reference(*written);
    if (!spec_.default_connection || spec_.connection_fields.empty()) return;
    const auto chosen = default_connection(spec_, checks_.connections);
    if (chosen.ok() && !chosen->has_value()) return;
    by_default_ = true;
    if (chosen.ok()) {
      result_.connection = **chosen;
      check_values(**chosen, mark_);
    } else if (checks_.connection_check != ConnectionCheck::kForm) {
      error("missing_connection", chosen.error().message, "connection", mark_,
            "name one: connection: \"@" + spec_.family() + ".<alias>\"");
    }
  }

  void read_reference(const YamlNode& written) {
    by_default_ = true;  // a wrong reference is one error, not one per missing field
    const std::string text = written.is_string() ? written.text() : written.to_json().dump();
    const auto reference = parse_connection_ref(text);
    if (!written.is_string() || !reference.ok())
      return error("invalid_connection_ref",
                   "Invalid connection reference: '" + text + "' (expected format: '@family.alias')", "connection",
                   written.mark);
    if (reference->family != spec_.family())
      return error("connection_family_mismatch",
                   "Connection family mismatch: step uses " + spec_.family() + ", ref is " + reference->family,
                   "connection", written.mark);
    if (!takes_connections())
      warning("unused_connection", "Component '" + spec_.name + "' uses no connection", "connection", written.mark);
    result_.connection = *reference;
    check_exists(*reference, written.mark);
  }

  void check_exists(const ConnectionRef& reference, Mark mark) {
    const Status exists = checks_.connections.exists(reference);
    if (exists.ok()) return check_values(reference, mark);
    if (checks_.connection_check != ConnectionCheck::kForm)
      error("unknown_connection", exists.error().message, "connection", mark, exists.error().hint);
    else if (checks_.connections.has_file())
      warning("unknown_connection", exists.error().message, "connection", mark, exists.error().hint);
  }

  // Unset variables. What else may be wrong with it is said once for all steps (check_used_connections).
  void check_values(const ConnectionRef& reference, Mark mark) {
    if (checks_.connection_check == ConnectionCheck::kForm) return;
    const auto resolved = checks_.connections.resolve(reference, spec_.secret_fields);
    if (resolved.ok()) return;
    if (checks_.connection_check == ConnectionCheck::kResolves)
      error("unresolved_connection", resolved.error().message, "connection", mark, resolved.error().hint);
    else
      warning("unresolved_connection", resolved.error().message, "connection", mark, resolved.error().hint);
  }

  bool has_connection() const { return result_.connection.has_value() || by_default_; }

  const IgnoredKey* forgiven(const std::string& key) const {
    for (const IgnoredKey& candidate : spec_.forgiven)
      if (candidate.key == key) return &candidate;
    return nullptr;
  }

  void check_member(const YamlNode::Member& member) {
    const std::string& key = member.key;
    if (key == "connection") return;
    if (!is_property(key) && !is_open_key(key)) return check_unknown(member);
    if (check_policy(member)) return;
    if (spec_.is_secret(key) && !checks_.from_cfg) {
      if (!is_harmless_mapping(member.value) && !is_reported("inline_secret", key))
        error("inline_secret", "'" + key + "' is a secret and cannot stand in a step: step configs are written to disk",
              key, member.key_mark, "put it into the connection in osiris_connections.yaml");
      return;
    }
    const Json* property = spec_.config_schema["properties"].find(key);
    check_type(property ? *property : spec_.config_schema["additionalProperties"], member.value, key);
  }

  // Components that take any key; `component` and `mode` are the cfg's own.
  bool is_open_key(const std::string& key) const {
    const Json& additional = spec_.config_schema["additionalProperties"];
    return key != "component" && key != "mode" && (additional.is_object() || additional.as_bool());
  }

  void check_unknown(const YamlNode::Member& member) {
    const std::string& key = member.key;
    const std::string what = "configuration key '" + key + "' for component '" + spec_.name + "'";
    if (const IgnoredKey* known = forgiven(key)) {
      const Json value = member.value.to_json();
      const bool harmless =
          known->values.empty() || std::find(known->values.begin(), known->values.end(), value) != known->values.end();
      if (harmless)
        return warning("unknown_config_key", "Unknown " + what + "; it changes nothing here", key, member.key_mark,
                       "remove it");
      return error("unknown_config_key", "Unknown " + what, key, member.key_mark,
                   "only " + spell_choices(known->values) + " is tolerated there");
    }
    std::vector<std::string> known = {"connection"};
    for (const auto& property : spec_.config_schema["properties"].members()) known.push_back(property.first);
    const auto near = nearest(key, known);
    error("unknown_config_key", "Unknown " + what, key, member.key_mark,
          near ? "did you mean '" + *near + "'?" : "its keys are: " + join(known, ", "));
  }

  // True when the key was refused.
  bool check_policy(const YamlNode::Member& member) {
    const ConnectionField* field = spec_.connection_field(member.key);
    if (!field || !has_connection() || checks_.from_cfg) return false;
    if (field->policy == ConnectionField::Override::kForbidden) {
      error("forbidden_override", "Cannot override connection field '" + member.key + "' (policy: forbidden)",
            member.key, member.key_mark, "change it in the connection");
      return true;
    }
    if (field->policy == ConnectionField::Override::kWarning)
      warning("override_warning", "Overriding connection field '" + member.key + "' (consider using connection value)",
              member.key, member.key_mark);
    result_.overrides.push_back(member.key);
    return false;
  }

  void check_type(const Json& property, const YamlNode& value, const std::string& key) {
    for (SchemaIssue& issue : check_schema(property, value, key))
      error("invalid_config_value", std::move(issue.message), issue.path, issue.mark, std::move(issue.hint));
  }

  void check_required() {
    for (const Json& required : spec_.config_schema["required"].items()) {
      const std::string& key = required.as_string();
      if (config_.find(key) || (spec_.connection_field(key) && (has_connection() || checks_.from_cfg))) continue;
      error("missing_config_key", "Missing required configuration key '" + key + "' for component '" + spec_.name + "'",
            key, mark_, "add " + key + ": below config:" + description_of(key));
    }
  }

  // ", which is: a file; relative paths ..."
  std::string description_of(const std::string& key) const {
    const std::string& text = spec_.property(key)["description"].as_string();
    return text.empty() ? "" : " (" + text + ")";
  }

  // anyOf and oneOf of `required` lists read "this or that key"; other combinations go to the schema checker.
  void check_combinations() {
    Json others = Json::object();
    for (const char* keyword : {"allOf", "anyOf", "oneOf", "not"}) {
      const Json* parts = spec_.config_schema.find(keyword);
      if (!parts) continue;
      const bool only_required = parts->is_array() && keyword != std::string_view("allOf") &&
                                 std::all_of(parts->items().begin(), parts->items().end(), [](const Json& part) {
                                   return part.size() == 1 && part.contains("required");
                                 });
      if (only_required)
        check_alternatives(*parts, keyword == std::string_view("oneOf"));
      else
        others.set(keyword, *parts);
    }
    if (others.size() > 0)
      for (SchemaIssue& issue : check_schema(others, config_, "config"))
        error("invalid_config_value", std::move(issue.message), "", issue.mark, std::move(issue.hint));
  }

  void check_alternatives(const Json& parts, bool exactly_one) {
    std::vector<std::string> all, present;
    for (const Json& part : parts.items()) {
      bool complete = true;
      std::string words;
      for (const Json& key : part["required"].items()) {
        complete &= config_.find(key.as_string()) != nullptr;
        words += (words.empty() ? "'" : " and '") + key.as_string() + "'";
      }
      all.push_back(words);
      if (complete) present.push_back(words);
    }
    if (present.empty())
      error("missing_config_key",
            "Missing required configuration key " + join(all, " or ") + " for component '" + spec_.name + "'", "",
            mark_);
    if (exactly_one && present.size() > 1)
      error("conflicting_config_keys",
            "Configuration keys " + join(present, " and ") + " of component '" + spec_.name + "' exclude each other",
            "", mark_, "keep one of them");
  }

  // The value a key will have: written, or the spec's default.
  Json value_of(const std::string& key) const {
    if (const YamlNode* written = config_.find(key)) return written->to_json();
    return spec_.property(key)["default"];
  }

  void check_constraints() {
    for (const Json& constraint : spec_.document["constraints"]["required"].items()) {
      bool applies = true;
      for (const auto& [key, wanted] : constraint["when"].members()) applies &= value_of(key) == wanted;
      if (!applies) continue;
      for (const auto& [key, schema] : constraint["must"].members())
        check_must(key, schema, constraint["error"].as_string());
    }
  }

  void check_must(const std::string& key, const Json& schema, const std::string& text) {
    const YamlNode* value = config_.find(key);
    if (const auto synonyms = spec_.key_synonyms.find(key); !value && synonyms != spec_.key_synonyms.end())
      for (const std::string& synonym : synonyms->second)
        if (!value) value = config_.find(synonym);
    if (!value)
      return error("missing_required_field", text.empty() ? "'" + key + "' is required here" : text, key, mark_);
    const auto issues = check_schema(schema, *value, key);
    if (!issues.empty()) error("constraint_violation", text.empty() ? issues[0].message : text, key, value->mark);
  }

  void write_cfg() {
    Json::Object cfg;
    cfg.emplace_back("component", spec_.name);
    cfg.emplace_back("mode", step_.mode);
    for (const auto& member : config_.members) {
      const bool is_kept = member.key == "connection" || is_property(member.key) || is_open_key(member.key);
      if (!is_kept || (spec_.is_secret(member.key) && !is_harmless_mapping(member.value))) continue;
      // A component's own `mode` (append, upsert) would hide the step's; write_mode means the same.
      cfg.emplace_back(member.key == "mode" ? "write_mode" : member.key, member.value.to_json());
    }
    for (const auto& [key, property] : spec_.config_schema["properties"].members()) {
      const Json* value = property.find("default");
      if (value && key != "mode" && !config_.find(key)) cfg.emplace_back(key, *value);
    }
    result_.cfg = Json(std::move(cfg));
  }

  const OmlStep& step_;
  const ComponentSpec& spec_;
  const ConfigChecks& checks_;
  Diagnostics& diagnostics_;
  const YamlNode& config_;
  Mark mark_;
  std::string location_;
  StepConfig result_;
  bool by_default_ = false;  // fields may come from a connection that is not known yet
};

constexpr size_t kShortestSecret = 5;

void scan(const YamlNode& node, const std::string& location, const std::vector<std::string>& names,
          Diagnostics& diagnostics) {
  for (size_t i = 0; i < node.items.size(); ++i)
    scan(node.items[i], location + "[" + std::to_string(i) + "]", names, diagnostics);
  for (const auto& member : node.members) {
    const std::string here = location.empty() ? member.key : location + "." + member.key;
    scan(member.value, here, names, diagnostics);
    const std::string text = member.value.is_string()       ? member.value.text()
                             : member.value.scalar.is_int() ? member.value.scalar.dump()
                                                            : "";
    if (text.size() < kShortestSecret || text.starts_with("${")) continue;
    const bool by_name =
        is_surely_secret(member.key) || std::find(names.begin(), names.end(), member.key) != names.end();
    const bool by_value = text.find_first_of(" \n\t") == std::string::npos && holds_url_password(text);
    if (by_name || by_value)
      diagnostics.error("inline_secret", "Inline secrets detected: Inline secret at " + here, here, member.value.mark,
                        "put it into osiris_connections.yaml as ${VARIABLE} and name the connection");
  }
}

}  // namespace

Result<std::optional<ConnectionRef>> default_connection(const ComponentSpec& spec, const Connections& connections) {
  if (!spec.default_connection || spec.connection_fields.empty()) return std::optional<ConnectionRef>();
  const auto chosen = connections.default_of(spec.family());
  if (chosen.ok()) return std::optional<ConnectionRef>(*chosen);
  if (spec.connection_optional) return std::optional<ConnectionRef>();
  return chosen.error();
}

StepConfig check_step_config(const OmlStep& step, const ConfigChecks& checks, Diagnostics& diagnostics) {
  return ConfigChecker(step, checks, diagnostics).run();
}

void check_inline_secrets(const YamlNode& root, const ComponentRegistry& registry, Diagnostics& diagnostics) {
  scan(root, "", registry.secret_fields(), diagnostics);
}

}  // namespace osiris
