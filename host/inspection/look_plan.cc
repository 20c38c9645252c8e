#include "host/inspection/look_plan.h"

#include <algorithm>
#include <map>
#include <set>

#include "host/cache/repeat.h"
#include "protocol/base/text.h"
#include "protocol/model/step_naming.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

// Without those that only its checks read.
std::vector<std::string> needs_for_rows(const PlanStep& step) {
  const std::vector<std::string> only_checked = sources_of_checks(step);
  std::vector<std::string> needs;
  for (const std::string& need : step.needs)
    if (std::find(only_checked.begin(), only_checked.end(), need) == only_checked.end()) needs.push_back(need);
  return needs;
}

// The step and all that it needs, without writers and what only steps with kept rows need.
std::set<std::string> needed_steps(const Plan& plan, const std::string& step_id, const KeptEntries& kept,
                                   std::vector<std::string>& notes) {
  std::map<std::string, const PlanStep*> by_id;
  for (const PlanStep& step : plan.steps) by_id[step.id] = &step;
  std::set<std::string> needed;
  std::vector<std::string> waiting = {step_id};
  while (!waiting.empty()) {
    const std::string id = std::move(waiting.back());
    waiting.pop_back();
    if (!by_id.contains(id) || !needed.insert(id).second || kept.contains(id)) continue;
    for (const std::string& need : needs_for_rows(*by_id[id])) {
      if (by_id.contains(need) && by_id[need]->mode == StepMode::kWrite)
        notes.push_back("step '" + id + "' comes after the writer '" + need +
                        "', which is not run again: it reads what is there now");
      else
        waiting.push_back(need);
    }
  }
  return needed;
}

// Connections, secrets and hosts of the plan's steps alone.
void keep_what_is_used(AdapterInputs& inputs) {
  std::set<std::string> used, hosts, secrets;
  for (const PlanStep& step : inputs.plan.steps) {
    used.insert(step.connection);
    hosts.insert(step.hosts.begin(), step.hosts.end());
  }
  Json connections = Json::object(), names = Json::array();
  for (const auto& [key, document] : inputs.connections_json["connections"].members()) {
    if (!used.contains(key)) continue;
    for (const auto& [field, secret] : plan_connection_from_json(key, document).secrets) secrets.insert(secret);
    connections.set(key, document);
  }
  std::erase_if(inputs.secret_names,
                [&](const std::string& name) { return !name.starts_with("env/") && !secrets.contains(name); });
  for (const std::string& name : inputs.secret_names) names.push_back(name);
  inputs.connections_json.set("connections", std::move(connections));
  inputs.connections_json.set("secret_names", std::move(names));
  inputs.hosts.assign(hosts.begin(), hosts.end());
}

struct FileKind {
  std::string_view component;
  std::vector<std::string_view> suffixes;
  std::vector<std::string_view> keys;  // that reader and writer share
};

const FileKind* kind_of(std::string path) {
  static const FileKind kKinds[] = {
      {"filesystem.csv_extractor",
       {".csv", ".tsv", ".txt"},
       {"delimiter", "encoding", "header", "quotechar", "escapechar", "decimal", "compression"}},
      {"filesystem.json_extractor", {".json", ".ndjson", ".jsonl"}, {"format", "compression"}},
      {"filesystem.parquet_extractor", {".parquet"}, {}}};
  path = ascii_lower(path);
  for (const std::string_view packed : {".gz", ".bz2", ".xz", ".zst", ".zip"})
    if (path.ends_with(packed)) path.resize(path.size() - packed.size());
  for (const FileKind& kind : kKinds)
    for (const std::string_view suffix : kind.suffixes)
      if (path.ends_with(suffix)) return &kind;
  return nullptr;
}

}  // namespace

AdapterInputs cut_to(const AdapterInputs& inputs, const std::string& step_id, const KeptEntries& kept,
                     std::vector<std::string>& notes) {
  AdapterInputs cut = inputs;
  const std::set<std::string> needed = needed_steps(inputs.plan, step_id, kept, notes);
  const auto is_left_out = [&](const std::string& id) { return !needed.contains(id); };
  const auto does_not_run = [&](const std::string& id) { return is_left_out(id) || kept.contains(id); };
  std::erase_if(cut.plan.steps, [&](const PlanStep& step) { return is_left_out(step.id); });
  for (PlanStep& step : cut.plan.steps) {
    step.needs = needs_for_rows(step);
    step.checks.clear();
    std::erase_if(step.needs, is_left_out);
    if (const auto rows = kept.find(step.id); rows != kept.end()) take_rows(rows->second, step);
  }
  std::erase_if(cut.stateful, does_not_run);
  std::erase_if(cut.packages, [&](const auto& entry) { return does_not_run(entry.first); });
  keep_what_is_used(cut);
  return cut;
}

LookPlan::LookPlan() {
  inputs_.plan.pipeline_name = inputs_.plan.pipeline_id = "look";
  inputs_.plan.manifest = Json::object({{"name", "look"}});
  inputs_.plan.manifest_hash = std::string(64, '0');
  inputs_.connections_json =
      Json::object({{"connections", Json::object()}, {"env", Json::array()}, {"secret_names", Json::array()}});
}

std::string LookPlan::new_id(const std::string& word) const {
  std::string id = "look-" + word;
  const auto is_taken = [&] {
    return std::any_of(inputs_.plan.steps.begin(), inputs_.plan.steps.end(), [&](const PlanStep& step) {
      // Ids that collapse to one relation name are different ids; two of them in one query are not what is asked.
      return relation_name(step.id) == relation_name(id);
    });
  };
  while (is_taken()) id += "-";
  return id;
}

PlanStep& LookPlan::add(std::string id, const std::string& driver, StepMode mode, const std::vector<std::string>& from,
                        Json config) {
  PlanStep step;
  step.id = std::move(id);
  step.component = step.driver = driver;
  step.mode = mode;
  step.needs = from;
  for (auto& [name, source] : relation_names(from)) step.inputs.push_back({name, source});
  step.cfg_path = "cfg/" + step.id + ".json";
  step.cfg = std::move(config);
  step.cfg.set("component", driver);
  inputs_.plan.steps.push_back(std::move(step));
  return inputs_.plan.steps.back();
}

Status LookPlan::add_file(const std::string& id, const Artifact& file, const Json& config) {
  const FileKind* kind = kind_of(file.path);
  if (!kind)
    return Error(Code::kUnsupported,
                 "rows can be read from CSV, JSON and Parquet files, and " + file.path + " is none");
  Json reader = Json::object({{"path", file.target}});
  for (const std::string_view key : kind->keys)
    if (const Json* value = config.find(key)) reader.set(key, *value);
  PlanStep& step = add(id, std::string(kind->component), StepMode::kExtract, {}, std::move(reader));
  step.input_files.push_back({file.target, file.target, {}, false});
  return {};
}

void LookPlan::add_kept(const std::string& id, const KeptEntry& entry) {
  take_rows(entry, add(id, entry.component, StepMode::kTransform, {}, Json::object()));
}

std::string LookPlan::add_query(const std::vector<std::string>& from, const std::string& sql) {
  return add(new_id("query"), "duckdb.processor", StepMode::kTransform, from, Json::object({{"query", sql}})).id;
}

std::string LookPlan::add_preview(const std::string& from, uint64_t rows, const fs::path& target) {
  return add_writer(from, "preview", Json::object({{"rows", rows}}), target);
}

std::string LookPlan::add_difference(const std::string& left, const std::string& right, uint64_t rows,
                                     const fs::path& target) {
  PlanStep& step = add(new_id("difference"), "difference", StepMode::kWrite, {left, right},
                       Json::object({{"rows", rows}, {"path", target.string()}}));
  step.outputs.push_back({target.string(), target.string(), {}, false});
  return step.id;
}

std::string LookPlan::add_writer(const std::string& from, const std::string& component, Json config,
                                 const fs::path& target) {
  config.set("path", target.string());
  PlanStep& step = add(new_id("output"), component, StepMode::kWrite, {from}, std::move(config));
  step.outputs.push_back({target.string(), target.string(), {}, false});
  return step.id;
}

bool holds_rows(const std::string& path) { return kind_of(path) != nullptr; }

}  // namespace osiris
