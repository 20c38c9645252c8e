#include "host/project/project_schema.h"

namespace osiris {
namespace {

Json parsed(const char* text) { return *parse_json(text); }

// A number that is meant as a text counts as one, and a list of one word may be the word.
constexpr const char* kFilesystem = R"({
  "type": ["object", "null"], "additionalProperties": false,
  "description": "where the parts of the project are; directories start at base_path",
  "properties": {
    "base_path": {"$ref": "#/definitions/word", "description": "left out: the project's directory"},
    "profiles": {
      "type": ["object", "null"], "additionalProperties": false,
      "properties": {
        "enabled": {"type": "boolean", "default": true},
        "values": {"$ref": "#/definitions/words", "default": ["dev", "staging", "prod", "ml", "finance", "incident_debug"],
                   "description": "the profiles that --profile may name"},
        "default": {"$ref": "#/definitions/word", "default": "dev", "description": "one of values"}}},
    "pipelines_dir": {"$ref": "#/definitions/word", "default": "pipelines"},
    "build_dir": {"$ref": "#/definitions/word", "default": "build", "description": "of compiled pipelines"},
    "aiop_dir": {"$ref": "#/definitions/word", "default": "aiop", "description": "of summaries and cards of runs"},
    "run_logs_dir": {"$ref": "#/definitions/word", "default": "run_logs", "description": "of sessions"},
    "sessions_dir": {"$ref": "#/definitions/word", "default": ".osiris/sessions"},
    "cache_dir": {"$ref": "#/definitions/word", "default": ".osiris/cache", "description": "of kept rows and hashes of files"},
    "index_dir": {"$ref": "#/definitions/word", "default": ".osiris/index", "description": "of what ran"},
    "mcp_logs_dir": {"$ref": "#/definitions/unused"},
    "naming": {
      "type": ["object", "null"], "additionalProperties": false,
      "description": "how directories are called: {pipeline_slug}, {manifest_short}, {manifest_hash}, {run_id}, {run_ts}, {profile}",
      "properties": {
        "manifest_dir": {"$ref": "#/definitions/word", "default": "{pipeline_slug}/{manifest_short}-{manifest_hash}"},
        "run_dir": {"$ref": "#/definitions/word", "default": "{pipeline_slug}/{run_ts}_{run_id}-{manifest_short}"},
        "aiop_run_dir": {"$ref": "#/definitions/word", "default": "{run_id}"},
        "run_ts_format": {"$ref": "#/definitions/word", "default": "iso_basic_z",
                          "description": "iso_basic_z, epoch_ms, none, or a pattern of strftime"},
        "manifest_short_len": {"type": "integer", "minimum": 3, "maximum": 16, "default": 7}}},
    "artifacts": {
      "type": ["object", "null"], "additionalProperties": false,
      "description": "files that compiling and running write beside those that are always written",
      "properties": {
        "plan": {"type": "boolean", "default": true},
        "fingerprints": {"type": "boolean", "default": true},
        "run_summary": {"type": "boolean", "default": true},
        "manifest": {"$ref": "#/definitions/unused"},
        "cfg": {"$ref": "#/definitions/unused"},
        "save_events_tail": {"$ref": "#/definitions/unused"}}},
    "retention": {
      "type": ["object", "null"], "additionalProperties": false,
      "description": "what osiris clean leaves; max_bytes holds after every run",
      "properties": {
        "run_logs_days": {"type": "integer", "minimum": 0, "maximum": 1000000, "default": 7},
        "aiop_keep_runs_per_pipeline": {"type": "integer", "minimum": 0, "maximum": 1000000, "default": 200},
        "annex_keep_days": {"type": "integer", "minimum": 0, "maximum": 1000000, "default": 14},
        "max_bytes": {"$ref": "#/definitions/size", "description": "of all sessions and summaries together: 2GiB"}}},
    "outputs": {"$ref": "#/definitions/unused"}}})";

constexpr const char* kTelemetry = R"({
  "description": "where traces, metrics and logs of runs are sent: a collector of OpenTelemetry; false: nowhere",
  "anyOf": [
    {"type": ["boolean", "null"]},
    {"type": "object", "additionalProperties": false,
     "properties": {
       "enabled": {"type": "boolean", "default": true},
       "endpoint": {"type": "string", "pattern": "^https?://|^\\$\\{", "description": "http://127.0.0.1:4318; ${VARIABLE} is filled in"},
       "protocol": {"enum": ["http/protobuf", "http/json"], "default": "http/protobuf"},
       "service_name": {"$ref": "#/definitions/word", "default": "osiris"},
       "headers": {"type": "object", "additionalProperties": {"$ref": "#/definitions/word"}, "description": "${VARIABLE} is filled in"},
       "resource_attributes": {"type": "object", "additionalProperties": {"$ref": "#/definitions/word"}},
       "signals": {"anyOf": [{"$ref": "#/definitions/signal"}, {"type": "array", "items": {"$ref": "#/definitions/signal"}}],
                   "description": "all of them unless said"},
       "flush": {"type": ["number", "string"], "default": 5, "description": "seconds that the end of a run may wait for the collector, or 500ms, 10s; at most 1m"}}}]})";

constexpr const char* kIds = R"({
  "type": ["object", "null"], "additionalProperties": false,
  "properties": {
    "run_id_format": {"description": "what a run's id is made of", "default": ["incremental", "ulid"],
                      "anyOf": [{"$ref": "#/definitions/run_id"}, {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/run_id"}}]},
    "manifest_hash_algo": {"$ref": "#/definitions/unused"}}})";

constexpr const char* kCache = R"({
  "type": ["object", "null"], "additionalProperties": false,
  "properties": {"max_bytes": {"$ref": "#/definitions/size", "default": "2GiB", "description": "of the rows that are kept for later runs"}}})";

constexpr const char* kAdapters = R"({
  "type": ["object", "null"], "additionalProperties": {"type": ["object", "null"]},
  "description": "options of adapters, by the adapter's name; osiris adapters show NAME lists them"})";

constexpr const char* kDefinitions = R"({
  "word": {"type": ["string", "number"]},
  "words": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
  "size": {"type": ["integer", "string"]},
  "signal": {"enum": ["traces", "metrics", "logs"]},
  "run_id": {"enum": ["incremental", "iso_ulid", "snowflake", "ulid", "uuidv4"]},
  "unused": {"description": "of Python Osiris: taken, and sets nothing"}})";

}  // namespace

Json hooks_json_schema() {
  return parsed(R"({
  "description": "what is started or called when a run has ended so",
  "anyOf": [{"$ref": "#/definitions/hook"}, {"type": "array", "maxItems": 16, "items": {"$ref": "#/definitions/hook"}}]})");
}

Json hook_json_schema() {
  return parsed(R"({
  "type": "object", "additionalProperties": false,
  "oneOf": [{"required": ["command"]}, {"required": ["webhook"]}],
  "properties": {
    "command": {"description": "program and arguments; the document is its standard input",
                "anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "minItems": 1, "items": {"type": "string"}}]},
    "shell": {"type": "boolean", "description": "true: command is one text for sh -c"},
    "webhook": {"type": "string", "pattern": "^https?://|^\\$\\{",
                "description": "where the document is posted; ${VARIABLE} is filled in"},
    "headers": {"type": "object", "additionalProperties": {"type": ["string", "number"]},
                "description": "of the webhook's request; ${VARIABLE} is filled in"},
    "timeout": {"type": ["number", "string"], "default": 10, "description": "seconds, or 500ms, 30s, 2m; at most 5m"}}})");
}

Json project_json_schema() {
  Json definitions = parsed(kDefinitions);
  definitions.set("hook", hook_json_schema());
  Json properties = Json::object(
      {{"version", parsed(R"({"$ref": "#/definitions/word", "description": "of the form of this file: \"2.0\""})")},
       {"filesystem", parsed(kFilesystem)},
       {"ids", parsed(kIds)},
       {"report", parsed(R"({"type": "boolean", "default": false,
                             "description": "true: the page of each run is written into its session"})")},
       {"cache", parsed(kCache)},
       {"telemetry", parsed(kTelemetry)},
       {"on_success", hooks_json_schema()},
       {"on_failure", hooks_json_schema()},
       {"adapters", parsed(kAdapters)}});
  for (const char* unused : {"logging", "discovery", "llm", "pipeline", "validate", "validation", "aiop"})
    properties.set(unused, parsed(R"({"$ref": "#/definitions/unused"})"));
  return Json::object({{"$schema", "http://json-schema.org/draft-07/schema#"},
                       {"title", "A project of osiris (osiris.yaml)"},
                       {"type", Json::array({"object", "null"})},
                       {"additionalProperties", false},
                       {"properties", std::move(properties)},
                       {"definitions", std::move(definitions)}});
}

}  // namespace osiris
