#include "host/compiler/json_schema.h"

#include <map>
#include <string>
#include <vector>

#include "host/project/project_schema.h"

namespace osiris {
namespace {

constexpr const char* kDraft = "http://json-schema.org/draft-07/schema#";

Json parsed(const char* text) { return *parse_json(text); }

Json strings(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) list.push_back(text);
  return list;
}

Json placeholder() { return parsed(R"({"type": "string", "pattern": "\\$\\{[^}]+\\}"})"); }

// Free text may hold a placeholder as it is.
bool is_free_text(const Json& schema) {
  return schema["type"].as_string() == "string" && !schema.contains("enum") && !schema.contains("pattern") &&
         !schema.contains("maxLength");
}

Json with_placeholders(const Json& schema);

Json properties_with_placeholders(const Json& properties) {
  Json out = Json::object();
  for (const auto& [name, property] : properties.members()) out.set(name, with_placeholders(property));
  return out;
}

// The description and the default stay outside, where editors look for them.
Json with_placeholders(const Json& schema) {
  if (!schema.is_object() || schema.size() == 0 || is_free_text(schema)) return schema;
  Json inner = schema;
  if (inner["properties"].is_object()) inner.set("properties", properties_with_placeholders(schema["properties"]));
  if (inner["items"].is_object()) inner.set("items", with_placeholders(schema["items"]));
  Json out = Json::object();
  for (const char* outside : {"title", "description", "default", "examples"})
    if (const Json* value = schema.find(outside)) {
      out.set(outside, *value);
      inner.erase(outside);
    }
  out.set("anyOf", Json::array({std::move(inner), placeholder()}));
  return out;
}

Json connection_reference(const ComponentSpec& spec) {
  return Json::object({{"type", "string"},
                       {"pattern", "^@" + spec.family() + "\\."},
                       {"description", "a connection of osiris_connections.yaml: @" + spec.family() + ".ALIAS"}});
}

// What may stand in `config` of a step. Fields that the connection gives are not required of the step.
Json config_schema_of(const ComponentSpec& spec) {
  Json schema = spec.config_schema;
  Json properties = properties_with_placeholders(spec.config_schema["properties"]);
  for (const IgnoredKey& key : spec.forgiven)
    if (!properties.contains(key.key))
      properties.set(key.key, Json::object({{"description", "of older pipelines; changes nothing"}}));
  properties.set("connection", connection_reference(spec));
  Json required = Json::array();
  for (const Json& name : spec.config_schema["required"].items())
    if (!spec.connection_field(name.as_string()) && !spec.key_synonyms.contains(name.as_string()))
      required.push_back(name);
  schema.erase("required");
  if (required.size() > 0) schema.set("required", std::move(required));
  if (!spec.key_synonyms.empty())
    for (const char* rule : {"oneOf", "anyOf"}) schema.erase(rule);
  schema.set("properties", std::move(properties));
  return schema;
}

// The config of a step follows from its component.
Json rule_of(const ComponentSpec& spec) {
  const std::string path = "#/definitions/" + spec.name;
  const Json named = Json::object({{"const", spec.name}});
  const Json config = Json::object({{"$ref", path}});
  return Json::object(
      {{"if", Json::object({{"anyOf", Json::array({Json::object({{"properties", Json::object({{"component", named}})},
                                                                 {"required", Json::array({"component"})}}),
                                                   Json::object({{"properties", Json::object({{"uses", named}})},
                                                                 {"required", Json::array({"uses"})}})})}})},
       {"then",
        Json::object({{"properties", Json::object({{"mode", Json::object({{"enum", strings(spec.oml_modes())}})},
                                                   {"config", config},
                                                   {"with", config}})}})}});
}

constexpr const char* kStepProperties = R"({
  "id": {"type": "string", "minLength": 1, "maxLength": 128, "description": "unique; other steps need it by this name"},
  "component": {"description": "what the step is made of; osiris components list"},
  "uses": {"description": "the same as component"},
  "mode": {"enum": ["read", "transform", "write"]},
  "config": {"type": ["object", "null"], "description": "the component's config"},
  "with": {"type": ["object", "null"], "description": "the same as config"},
  "needs": {"type": "array", "items": {"type": "string"},
            "description": "ids of the steps whose rows it reads; left out: the step written before, []: none"},
  "inputs": {"type": "object", "additionalProperties": {"type": "string"},
             "description": "named inputs: {df: step}"},
  "timeout": {"type": ["number", "string"], "description": "seconds, or 500ms, 30s, 5m, 1h; at most 30 days"},
  "retry": {"description": "attempts in all, or {max_attempts: 3, delay: 1}",
            "anyOf": [{"type": "integer", "minimum": 1, "maximum": 100},
                      {"type": "object", "additionalProperties": false,
                       "properties": {"max_attempts": {"type": "integer", "minimum": 1, "maximum": 100},
                                      "delay": {"type": ["number", "string"]}}},
                      {"type": "string", "pattern": "\\$\\{[^}]+\\}"}]},
  "materialize": {"description": "true: the step's rows are stored before they are read",
                  "anyOf": [{"type": "boolean"}, {"type": "string", "pattern": "\\$\\{[^}]+\\}"}]},
  "cache": {"description": "whether its rows are kept for later runs; {for: 1h}: taken for so long",
            "anyOf": [{"type": "boolean"},
                      {"type": "object", "additionalProperties": false, "required": ["for"],
                       "properties": {"for": {"type": ["number", "string"]}}},
                      {"type": "string", "pattern": "\\$\\{[^}]+\\}"}]},
  "checks": {"type": "array", "items": {"$ref": "#/definitions/check"},
             "description": "what must hold of the step's rows, looked at before another step reads them"},
  "foreach": {"type": "object", "additionalProperties": false,
              "description": "reads once for each file, value, number or part: a shard. One of files, values, range and split",
              "properties": {
                "files": {"type": "string", "minLength": 1, "description": "a pattern: one shard per file"},
                "values": {"anyOf": [{"type": "array", "items": {"type": ["string", "number"]}},
                                     {"type": "string", "pattern": "\\$\\{[^}]+\\}"}]},
                "range": {"type": "object", "additionalProperties": false, "required": ["from", "to"],
                          "description": "numbers, days or months; to is the first one beyond",
                          "properties": {"from": {"type": ["number", "string"]}, "to": {"type": ["number", "string"]},
                                         "by": {"type": ["number", "string"], "description": "5, 1 day, 1 month"}}},
                "split": {"type": "object", "additionalProperties": false, "required": ["column", "parts"],
                          "description": "intervals of a column, of about as many rows each, and one for the rows without a value",
                          "properties": {"column": {"type": "string", "minLength": 1},
                                         "parts": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 1000},
                                                             {"type": "string", "pattern": "\\$\\{[^}]+\\}"}]},
                                         "consistency": {"enum": ["none"], "description": "the parts are read at different moments; PostgreSQL's share one snapshot without it"}}},
                "max_parallel": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 64},
                                           {"type": "string", "pattern": "\\$\\{[^}]+\\}"}]},
                "on_failure": {"anyOf": [{"enum": ["stop", "continue"]}, {"type": "string", "pattern": "\\$\\{[^}]+\\}"}],
                               "description": "continue: where a shard fails the others come to their end; nothing is made of an incomplete union"},
                "allow_empty": {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": "\\$\\{[^}]+\\}"}]}}},
  "per_shard": {"description": "true: the step runs once for each shard of the steps it needs",
                "anyOf": [{"type": "boolean"}, {"type": "string", "pattern": "\\$\\{[^}]+\\}"}]}})";

// One of the step's checks: a kind, and what any kind may say. A test compares the kinds with the compiler's.
constexpr const char* kCheck = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "name": {"type": "string", "minLength": 1, "maxLength": 200, "description": "as events, reports and messages call it"},
    "severity": {"enum": ["error", "warn"], "default": "error", "description": "warn: rows that fail are only named"},
    "store_failures": {"type": "boolean", "description": "true: the rows that fail become a file of the session"},
    "not_null": {"$ref": "#/definitions/columns", "description": "no row has NULL in these columns"},
    "unique": {"$ref": "#/definitions/columns", "description": "no two rows share their values of these columns"},
    "accepted_values": {
      "type": "object", "additionalProperties": false, "required": ["column", "values"],
      "description": "every value of the column is one of these, or NULL",
      "properties": {"column": {"type": "string"},
                     "values": {"type": "array", "minItems": 1, "items": {"type": ["string", "number", "boolean"]}}}},
    "relationships": {
      "type": "object", "additionalProperties": false, "required": ["column", "to"],
      "description": "every value of the column is in a column of another step, or NULL",
      "properties": {"column": {"type": "string"}, "to": {"type": "string", "description": "a step's id"},
                     "field": {"type": "string", "description": "the other step's column; left out: of the same name"}}},
    "row_count": {
      "description": "how many rows there are",
      "anyOf": [{"type": "integer", "minimum": 0},
                {"type": "object", "additionalProperties": false, "minProperties": 1,
                 "properties": {"min": {"type": "integer", "minimum": 0}, "max": {"type": "integer", "minimum": 0}}},
                {"type": "string", "pattern": "\\$\\{[^}]+\\}"}]},
    "freshness": {
      "type": "object", "additionalProperties": false, "required": ["column", "max_age"],
      "description": "the newest date or time of the column is not older than this",
      "properties": {"column": {"type": "string"}, "max_age": {"type": ["number", "string"], "description": "24h, 7 days"}}},
    "range": {
      "type": "object", "additionalProperties": false, "required": ["column"], "minProperties": 2,
      "description": "every value of the column is between these, both included, or NULL",
      "properties": {"column": {"type": "string"}, "min": {"type": ["number", "string"]}, "max": {"type": ["number", "string"]}}},
    "pattern": {
      "type": "object", "additionalProperties": false, "required": ["column", "regex"],
      "description": "the regular expression is found in every text of the column, or it is NULL",
      "properties": {"column": {"type": "string"}, "regex": {"type": "string"}}},
    "sql": {"type": "string", "description": "a query for the rows that fail; the step's rows are the table this"}}})";
constexpr const char* kColumns =
    R"({"anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": {"type": "string"}}]})";

Json step_schema(const std::vector<const ComponentSpec*>& specs) {
  std::vector<std::string> names;
  Json rules = Json::array();
  for (const ComponentSpec* spec : specs) {
    names.push_back(spec->name);
    rules.push_back(rule_of(*spec));
  }
  Json properties = parsed(kStepProperties);
  for (const char* key : {"component", "uses"}) {
    Json property = properties[key];
    property.set("enum", strings(names));
    properties.set(key, std::move(property));
  }
  return Json::object({{"type", "object"},
                       {"required", Json::array({"id"})},
                       {"additionalProperties", false},
                       {"properties", std::move(properties)},
                       {"allOf", std::move(rules)}});
}

constexpr const char* kSchedule = R"({
  "description": "when it is to run, for osiris schedule render: a cron expression; osiris starts nothing by itself",
  "anyOf": [{"type": "string"},
            {"type": "object", "additionalProperties": false, "required": ["cron"],
             "properties": {"cron": {"type": "string"}, "timezone": {"type": "string"}}}]})";

constexpr const char* kParameter = R"({
  "anyOf": [{"type": "object", "additionalProperties": false, "properties": {
               "type": {"enum": ["string", "integer", "number", "boolean", "list", "object"]},
               "default": {}, "description": {"type": "string"}, "enum": {"type": "array"}, "required": {"type": "boolean"},
               "min": {"type": "number"}, "max": {"type": "number"}, "minimum": {"type": "number"}, "maximum": {"type": "number"}}},
            {"type": ["string", "number", "boolean", "array", "null"]}]})";

// Fields of a family's connections, as any of its components knows them.
void add_fields(const ComponentSpec& spec, Json& properties) {
  for (const ConnectionField& field : spec.connection_fields) {
    const Json& property = spec.property(field.name);
    if (!properties.contains(field.name))
      properties.set(field.name, property.is_object() ? with_placeholders(property) : Json::object());
  }
  for (const auto& [name, property] : spec.connection_schema.members())
    if (!properties.contains(name)) properties.set(name, with_placeholders(property));
}

}  // namespace

Json oml_json_schema(const ComponentRegistry& registry) {
  const std::vector<const ComponentSpec*> specs = registry.all();
  Json definitions = Json::object();
  for (const ComponentSpec* spec : specs) {
    Json schema = config_schema_of(*spec);
    if (!spec->description.empty()) schema.set("description", spec->description);
    definitions.set(spec->name, std::move(schema));
  }
  definitions.set("check", parsed(kCheck));
  definitions.set("columns", parsed(kColumns));
  definitions.set("hook", hook_json_schema());
  const Json parameter = parsed(kParameter);
  const Json values = parsed(R"({"type": "object", "properties": {"params": {"type": "object"}}})");
  return Json::object(
      {{"$schema", kDraft},
       {"title", "A pipeline of osiris (OML)"},
       {"type", "object"},
       {"required", Json::array({"oml_version", "name", "steps"})},
       {"additionalProperties", false},
       {"properties",
        Json::object(
            {{"oml_version", parsed(R"({"const": "0.1.0", "description": "the version of this format"})")},
             {"name", parsed(R"({"type": "string", "minLength": 1, "description": "lower case, digits and hyphens"})")},
             {"description", parsed(R"({"type": "string"})")},
             {"metadata", parsed(R"({"type": "object", "description": "copied into the manifest"})")},
             {"schedule", parsed(kSchedule)},
             {"keep_outputs",
              parsed(
                  R"({"type": "boolean", "description": "true: rows of steps are kept, so that a run can be resumed"})")},
             {"on_success", hooks_json_schema()},
             {"on_failure", hooks_json_schema()},
             {"params", Json::object({{"type", "object"}, {"additionalProperties", parameter}})},
             {"profiles", Json::object({{"type", "object"}, {"additionalProperties", values}})},
             {"steps", Json::object({{"type", "array"}, {"minItems", 1}, {"items", step_schema(specs)}})}})},
       {"definitions", std::move(definitions)}});
}

Json connections_json_schema(const ComponentRegistry& registry) {
  std::map<std::string, Json> fields;
  for (const ComponentSpec* spec : registry.all()) {
    Json properties = fields.contains(spec->family()) ? fields[spec->family()] : Json::object();
    add_fields(*spec, properties);
    fields[spec->family()] = std::move(properties);
  }
  Json families = Json::object();
  for (auto& [family, properties] : fields) {
    if (properties.size() == 0) continue;
    properties.set("default", parsed(R"({"type": "boolean", "description": "for steps that name no connection"})"));
    properties.set("description", parsed(R"({"type": "string"})"));
    families.set(
        family,
        Json::object({{"type", "object"},
                      {"additionalProperties", Json::object({{"type", "object"}, {"properties", properties}})}}));
  }
  return Json::object(
      {{"$schema", kDraft},
       {"title", "Connections of osiris"},
       {"type", "object"},
       {"required", Json::array({"connections"})},
       {"properties", Json::object({{"version", parsed(R"({"type": "integer"})")},
                                    {"connections", Json::object({{"type", "object"}, {"properties", families}})}})}});
}

}  // namespace osiris
