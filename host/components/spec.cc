// One spec.yaml read and checked against the format of docs/oml.md. A spec with an error is not used at all.
#include <regex>
#include <set>

#include "host/components/registry.h"
#include "host/components/schema.h"
#include "host/yaml/node.h"

namespace osiris {
namespace {

constexpr const char* kSpecSchema = R"({
  "type": "object", "additionalProperties": false,
  "required": ["name", "version", "modes", "capabilities", "configSchema"],
  "properties": {
    "name": {"type": "string", "pattern": "^[a-z0-9_.-]+$", "maxLength": 128},
    "version": {"type": "string", "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+"},
    "title": {"type": "string"}, "description": {"type": "string"},
    "modes": {"type": "array", "minItems": 1, "uniqueItems": true,
              "items": {"enum": ["extract", "write", "load", "transform", "discover", "analyze", "stream"]}},
    "capabilities": {"type": "object", "additionalProperties": {"type": "boolean"}},
    "configSchema": {"type": "object", "required": ["type", "properties"],
                     "properties": {"type": {"const": "object"}, "properties": {"type": "object"},
                                    "required": {"type": "array", "items": {"type": "string"}}}},
    "secrets": {"type": "array", "items": {"type": "string", "pattern": "^/[^/]+"}},
    "x-secret": {"type": "array", "items": {"type": "string", "pattern": "^/[^/]+"}},
    "redaction": {"type": "object"},
    "constraints": {"type": "object", "properties": {"required": {"type": "array", "items": {
        "type": "object", "required": ["when", "must"], "properties": {"when": {"type": "object"}, "must": {"type": "object"}, "error": {"type": "string"}}}}}},
    "examples": {"type": "array"}, "compatibility": {"type": "object"}, "llmHints": {"type": "object"},
    "loggingPolicy": {"type": "object"}, "limits": {"type": "object"},
    "x-connection-fields": {"type": "array", "items": {"type": ["string", "object"], "required": ["name"],
        "properties": {"name": {"type": "string"}, "override": {"enum": ["allowed", "warning", "forbidden"]}}}},
    "x-runtime": {"type": "object"},
    "x-osiris": {"type": "object", "additionalProperties": false, "properties": {
      "driver": {"type": "string"}, "hidden": {"type": "boolean"},
      "types": {"type": "array", "items": {"type": "string", "minLength": 1}},
      "reads": {"type": "array", "items": {"type": "string"}}, "patterns": {"type": "boolean"}, "addresses": {"type": "boolean"},
      "beside": {"type": "array", "items": {"type": "string", "minLength": 1}}, "writes": {"type": "array", "items": {"type": "string"}},
      "directory_with": {"type": "string"}, "updates": {"type": "boolean"},
      "installs": {"type": "array", "items": {"type": "string"}}, "state": {"type": "string", "minLength": 1},
      "split": {"enum": ["snapshot", "separate"]},
      "chunks": {"type": "string", "minLength": 1},
      "sql": {"type": "object", "additionalProperties": {"enum": ["duckdb", "mysql", "postgres"]}},
      "base_dir": {"type": "string"},
      "network": {"type": "object", "additionalProperties": false, "properties": {
        "host": {"type": "string"}, "port": {"type": "string"}, "url": {"type": "string"}, "hosts": {"type": "string"},
        "choice": {"type": "string"}, "choices": {"type": "object", "additionalProperties": {"type": "string"}},
        "host_suffix": {"type": "string"}, "dsn": {"type": "array", "items": {"type": "string"}},
        "dsn_host": {"type": "string"}, "dsn_port": {"type": "string"},
        "default_host": {"type": "string"}, "default_port": {"type": "integer", "minimum": 1, "maximum": 65535}}},
      "forgiven": {"type": "object", "additionalProperties": {"type": "array"}},
      "key_synonyms": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
      "connection": {"type": "object", "additionalProperties": false, "properties": {
        "optional": {"type": "boolean"}, "default": {"type": "boolean"}, "properties": {"type": "object"},
        "required": {"type": "array", "items": {"type": "string"}}}}}}
  }})";

const Json& spec_schema() {
  static const Json schema = *parse_json(kSpecSchema);
  return schema;
}

std::vector<std::string> strings(const Json& list) {
  std::vector<std::string> out;
  for (const Json& item : list.items()) out.push_back(item.as_string());
  return out;
}

// The field a JSON pointer names in a connection or config: "/resolved_connection/password" -> "password".
std::string pointed_field(std::string pointer) {
  constexpr std::string_view kResolved = "/resolved_connection";
  if (pointer.starts_with(kResolved)) pointer.erase(0, kResolved.size());
  if (pointer.size() < 2) return {};
  return pointer.substr(1, pointer.find('/', 1) - 1);
}

void read_secrets(const Json& document, ComponentSpec& spec) {
  std::set<std::string> fields;
  for (const char* key : {"secrets", "x-secret"})
    for (const std::string& pointer : strings(document[key]))
      if (const std::string field = pointed_field(pointer); !field.empty()) fields.insert(field);
  spec.secret_fields.assign(fields.begin(), fields.end());
}

void read_connection_fields(const Json& document, ComponentSpec& spec) {
  const Json* listed = document.find("x-connection-fields");
  if (!listed) {
    for (const std::string& field : spec.secret_fields)
      spec.connection_fields.push_back({field, ConnectionField::Override::kForbidden});
    return;
  }
  for (const Json& field : listed->items()) {
    if (field.is_string()) {
      spec.connection_fields.push_back({field.as_string(), ConnectionField::Override::kAllowed});
      continue;
    }
    const std::string& policy = field["override"].as_string();
    spec.connection_fields.push_back(
        {field["name"].as_string(), policy == "forbidden" ? ConnectionField::Override::kForbidden
                                    : policy == "warning" ? ConnectionField::Override::kWarning
                                                          : ConnectionField::Override::kAllowed});
  }
}

void read_extension(const Json& x, ComponentSpec& spec) {
  spec.driver = x["driver"].as_string();
  spec.hidden = x["hidden"].as_bool();
  spec.reads = strings(x["reads"]);
  spec.takes_patterns = x["patterns"].as_bool();
  spec.takes_addresses = x["addresses"].as_bool();
  spec.beside = strings(x["beside"]);
  spec.writes = strings(x["writes"]);
  spec.updates = x["updates"].as_bool();
  spec.directory_key = x["directory_with"].as_string();
  spec.state_key = x["state"].as_string();
  if (const std::string& split = x["split"].as_string(); !split.empty())
    spec.split = split == "snapshot" ? SplitReads::kOneSnapshot : SplitReads::kSeparate;
  spec.chunks_key = x["chunks"].as_string();
  spec.installs = strings(x["installs"]);
  for (const auto& [key, dialect] : x["sql"].members()) spec.sql[key] = dialect.as_string();
  spec.base_dir_field = x["base_dir"].as_string();
  const Json& connection = x["connection"];
  spec.connection_optional = connection["optional"].as_bool(spec.connection_fields.empty());
  spec.default_connection = connection["default"].as_bool(spec.family() != "duckdb" && spec.family() != "filesystem");
  spec.connection_schema = connection["properties"].is_object() ? connection["properties"] : Json::object();
  spec.connection_required = strings(connection["required"]);
  if (const Json* network = x.find("network")) {
    NetworkUse& use = spec.network.emplace();
    use.host_field = (*network)["host"].as_string();
    use.port_field = (*network)["port"].as_string();
    use.url_field = (*network)["url"].as_string();
    use.hosts_field = (*network)["hosts"].as_string();
    use.default_host = (*network)["default_host"].as_string();
    use.default_port = static_cast<int>((*network)["default_port"].as_int());
    use.choice_field = (*network)["choice"].as_string();
    for (const auto& [choice, host] : (*network)["choices"].members()) use.choices[choice] = host.as_string();
    use.host_suffix = (*network)["host_suffix"].as_string();
    use.dsn_fields = strings((*network)["dsn"]);
    use.dsn_host_field = (*network)["dsn_host"].as_string();
    use.dsn_port_field = (*network)["dsn_port"].as_string();
  }
  for (const auto& [key, values] : x["forgiven"].members()) spec.forgiven.push_back({key, values.items()});
  for (const auto& [key, synonyms] : x["key_synonyms"].members()) spec.key_synonyms[key] = strings(synonyms);
}

// Keys that a compiled config has of its own: a component's would be overwritten by the step's.
void check_own_keys(const Json& document, Diagnostics& diagnostics) {
  const Json& properties = document["configSchema"]["properties"];
  for (const char* key : {"component", "mode", "connection"}) {
    if (!properties.contains(key)) continue;
    // What a step writes as `mode` of such a config is carried as write_mode.
    if (std::string_view(key) == "mode" && properties.contains("write_mode")) continue;
    diagnostics.error("invalid_spec", "config key '" + std::string(key) + "' is a step's own",
                      "configSchema.properties." + std::string(key), {},
                      "give the key another name" +
                          std::string(std::string_view(key) == "mode" ? ", or declare write_mode beside it" : ""));
  }
}

}  // namespace

std::optional<Json> parse_spec_document(std::string_view text, Diagnostics& diagnostics) {
  const size_t errors_before = diagnostics.errors().size();
  const YamlNode root = parse_yaml(text, diagnostics);
  if (diagnostics.errors().size() > errors_before) return std::nullopt;
  for (const SchemaIssue& issue : check_schema(spec_schema(), root, "spec"))
    diagnostics.error("invalid_spec", issue.message, issue.path, issue.mark, issue.hint);
  if (diagnostics.errors().size() > errors_before) return std::nullopt;
  Json document = root.to_json();
  check_own_keys(document, diagnostics);
  if (diagnostics.errors().size() > errors_before) return std::nullopt;
  return document;
}

ComponentSpec component_spec_of(Json document) {
  ComponentSpec spec;
  spec.document = std::move(document);
  spec.name = spec.document["name"].as_string();
  spec.version = spec.document["version"].as_string();
  spec.title = spec.document["title"].as_string();
  spec.description = spec.document["description"].as_string();
  spec.modes = strings(spec.document["modes"]);
  spec.config_schema = spec.document["configSchema"];
  read_secrets(spec.document, spec);
  read_connection_fields(spec.document, spec);
  read_extension(spec.document["x-osiris"], spec);
  return spec;
}

}  // namespace osiris
