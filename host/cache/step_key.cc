#include "host/cache/step_key.h"

#include <algorithm>

#include "host/cache/volatile_sql.h"
#include "protocol/base/sha256.h"

namespace osiris {
namespace {

// Of what changes rows, or the way to them, in no way.
constexpr std::string_view kUnimportant[] = {"component", "connection"};

std::string hash_of(const Json& value) { return sha256_hex(value.dump_canonical()); }

std::string keyed_hash(const std::string& secret, std::string_view value) {
  return sha256_hex(secret + sha256_hex(secret + std::string(value)));
}

// Of the config key that holds SQL of the engine; empty: there is none.
std::string engine_sql(const PlanStep& step, const ComponentSpec& spec) {
  for (const auto& [key, dialect] : spec.sql)
    if (dialect == "duckdb") return step.cfg[key].as_string();
  return {};
}

StepNature nature_of(const PlanStep& step, const ComponentSpec* spec, std::string& why_not_kept) {
  if (!spec) return StepNature::kProgram;
  if (step.mode == StepMode::kWrite)
    return !spec->writes.empty() && !spec->network && step.hosts.empty() ? StepNature::kFileWriter
                                                                         : StepNature::kWriter;
  if (spec->keeps_state(step.cfg)) {
    why_not_kept = "it goes on from where its last run ended";
    return StepNature::kStateful;
  }
  if (step.mode == StepMode::kExtract) {
    if (spec->has_chunks(step.cfg)) why_not_kept = "its rows go on to their writer in chunks, which commits them";
    if (spec->family() != "filesystem" || spec->network || !step.hosts.empty() || step.input_files.empty())
      return StepNature::kSource;
    why_not_kept = "the files it reads are the copy";
    return StepNature::kFile;
  }
  const std::string sql = engine_sql(step, *spec);
  if (sql.empty()) {
    why_not_kept = "what a program makes is kept with `cache: true` only";
    return StepNature::kProgram;
  }
  const std::string name = volatile_name_in(sql);
  if (name.empty()) return StepNature::kSql;
  why_not_kept = "its SQL uses " + name + ": such rows are kept with `cache: true` only";
  return StepNature::kProgram;
}

void add_files(const PlanStep& step, FileHashes& hashes, StepFacts& facts) {
  for (const PlanFile& file : step.input_files) {
    // A writer that changes what is there reads what the run before has left.
    const auto is_it = [&](const PlanFile& output) { return output.location == file.location; };
    if (std::any_of(step.outputs.begin(), step.outputs.end(), is_it)) continue;
    const auto hashed = hashes.content_of(file.location);
    if (!hashed.ok()) {
      facts.unknown = hashed.error().message;
      facts.parts.emplace_back("file " + file.path, "unreadable");
      continue;
    }
    facts.files[file.location] = hashed->identity;
    facts.parts.emplace_back("file " + file.path, hashed->hash + " " + file.location);
  }
}

void add_variables(const KeyContext& context, StepFacts& facts) {
  for (const Json& name : context.inputs.connections_json["env"].items())
    facts.parts.emplace_back("variable " + name.as_string(),
                             keyed_hash(context.secret, context.environment.get(name.as_string()).value_or("")));
}

// What asks for the time may say something else of the same rows.
std::string check_of_time(const PlanStep& step) {
  for (const DataCheck& check : step.checks)
    if (check.kind == CheckKind::kFreshness || (check.kind == CheckKind::kSql && !volatile_name_in(check.text).empty()))
      return "its check " + check.name + " asks for the time";
  return {};
}

}  // namespace

std::string key_of(const KeyParts& parts) {
  Json list = Json::array();
  for (const auto& [name, value] : parts) list.push_back(Json::array({name, value}));
  return sha256_hex(list.dump());
}

StepFacts facts_of(const PlanStep& step, const KeyContext& context) {
  StepFacts facts;
  const ComponentSpec* spec = context.registry.find(step.component);
  facts.nature = nature_of(step, spec, facts.why_not_kept);
  facts.always_runs = facts.nature == StepNature::kStateful ? facts.why_not_kept : check_of_time(step);
  facts.parts.emplace_back("worker", context.worker);
  facts.parts.emplace_back("component", step.component + " " + (spec ? spec->sha256 : ""));
  for (const auto& [key, value] : step.cfg.members())
    if (std::find(std::begin(kUnimportant), std::end(kUnimportant), key) == std::end(kUnimportant))
      facts.parts.emplace_back("config " + key, hash_of(value));
  std::sort(facts.parts.begin() + 2, facts.parts.end());
  if (!step.connection.empty()) {
    const Json& connection = context.inputs.connections_json["connections"][step.connection];
    facts.parts.emplace_back("connection " + step.connection,
                             hash_of(Json::array({connection["family"], connection["alias"], connection["fields"]})));
  }
  if (!step.checks.empty()) {
    Json checks = Json::array();
    for (const DataCheck& check : step.checks) checks.push_back(to_json(check));
    facts.parts.emplace_back("checks", hash_of(checks));
  }
  if (step.shards) {
    Json shards = to_json(*step.shards);
    for (const char* key : {"max_parallel", "on_failure"}) shards.erase(key);
    facts.parts.emplace_back("shards", hash_of(shards));
  }
  for (const PlanFile& output : step.outputs) facts.parts.emplace_back("output " + output.path, output.location);
  const bool is_plain = is_determined(facts.nature) || facts.nature == StepNature::kFileWriter;
  if (!is_plain) add_variables(context, facts);
  add_files(step, context.hashes, facts);
  return facts;
}

}  // namespace osiris
