#include "host/compiler/oml_keys.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "protocol/base/text.h"

namespace osiris {
namespace {

const std::vector<std::string> kStepKeys = {"id",          "component", "uses",    "mode",      "config",
                                            "with",        "needs",     "inputs",  "timeout",   "retry",
                                            "materialize", "checks",    "foreach", "per_shard", "cache"};

// Keys of other tools and of older formats, and what they are here. A step that is run without them does something else
// than its author means, so they are errors; a key that only describes is not.
struct OtherToolsKey {
  std::string_view key, hint;
};
constexpr OtherToolsKey kForbiddenKeys[] = {
    {"version", "write oml_version: \"0.1.0\""},
    {"connectors", "connections stand in osiris_connections.yaml; remove the key"},
    {"tasks", "write steps:"},
    {"outputs", "what is written is said by a step in mode write; remove the key"}};
constexpr OtherToolsKey kOtherToolsKeys[] = {
    {"depends_on", "write needs: [<step id>]"},
    {"depends", "write needs: [<step id>]"},
    {"dependencies", "write needs: [<step id>]"},
    {"requires", "write needs: [<step id>]"},
    {"after", "write needs: [<step id>]"},
    {"upstream", "write needs: [<step id>]"},
    {"input", "write inputs: {df: <step id>}, or needs: [<step id>]"},
    {"retries", "write retry: <attempts in all>"},
    {"max_retries", "write retry: <attempts in all>"},
    {"retry_delay", "write retry: {max_attempts: 3, delay: 5s}"},
    {"timeout_s", "write timeout: <seconds>"},
    {"timeout_seconds", "write timeout: <seconds>"},
    {"on_error", "a step that fails ends the run; steps that need it are skipped. Remove the key"},
    {"on_failure", "it stands below foreach; another step that fails ends the run, and steps that need it are skipped"},
    {"continue_on_error", "a step that fails ends the run; steps that need it are skipped. Remove the key"},
    {"if", "steps have no conditions: make two pipelines, or filter rows in SQL. Remove the key"},
    {"when", "steps have no conditions: make two pipelines, or filter rows in SQL. Remove the key"},
    {"condition", "steps have no conditions: make two pipelines, or filter rows in SQL. Remove the key"},
    {"for_each",
     "write foreach: {files: <pattern>}, {values: [...]}, {range: {from, to, by}} or {split: {column, parts}}"},
    {"matrix", "write foreach: {values: [...]}"},
    {"shards",
     "write foreach: {files: <pattern>}, {values: [...]}, {range: {from, to, by}} or {split: {column, parts}}"},
    {"tests", "write checks: [{not_null: <column>}]"},
    {"test", "write checks: [{not_null: <column>}]"},
    {"expectations", "write checks: [{not_null: <column>}]"},
    {"step", "write id: <name>"},
    {"name", "write id: <name>"},
    {"type", "write component: <name>"},
    {"driver", "write component: <name>"},
    {"params", "params: stands at the top level of the file"},
    {"settings", "write config:"},
    {"options", "write config:"},
};

}  // namespace

bool is_step_key(const std::string& key) {
  return std::find(kStepKeys.begin(), kStepKeys.end(), key) != kStepKeys.end();
}

std::optional<std::string> forbidden_top_level_key(const std::string& key) {
  for (const OtherToolsKey& forbidden : kForbiddenKeys)
    if (forbidden.key == key) return std::string(forbidden.hint);
  return std::nullopt;
}

std::optional<std::string> key_that_was_meant(const std::string& key) {
  for (const OtherToolsKey& other : kOtherToolsKeys)
    if (other.key == key) return std::string(other.hint);
  if (const auto near = nearest(key, kStepKeys)) return "did you mean '" + *near + "'?";
  return std::nullopt;
}

}  // namespace osiris
