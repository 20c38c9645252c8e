#include "protocol/model/plan.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "protocol/model/step_naming.h"

namespace osiris {
namespace {

constexpr uint64_t kAttemptsMax = 100;
// Where the two kinds of files have their location.
constexpr std::string_view kTarget = "target", kSource = "source";

Error invalid(std::string_view id, std::string_view why) {
  return Error(Code::kInvalidArgument, "plan step \"" + std::string(id) + "\": " + std::string(why),
               "The program that made the plan has a bug: report it.");
}

StepMode mode_of(const std::string& name, const std::string& component) {
  if (name == "read" || name == "extract") return StepMode::kExtract;
  if (name == "write" || name == "load") return StepMode::kWrite;
  if (!name.empty()) return StepMode::kTransform;
  if (component.ends_with("extractor")) return StepMode::kExtract;
  return component.ends_with("writer") ? StepMode::kWrite : StepMode::kTransform;
}

Json texts(const std::vector<std::string>& values) {
  Json list = Json::array();
  for (const std::string& value : values) list.push_back(value);
  return list;
}

Json files_document(const std::vector<PlanFile>& files, std::string_view location_key) {
  Json list = Json::array();
  for (const PlanFile& file : files) {
    Json entry = Json::object({{"path", file.path}});
    entry.set(location_key, file.location);
    if (!file.pattern.empty()) entry.set("pattern", file.pattern);
    if (file.is_directory) entry.set("directory", true);
    if (file.modified_ns != 0) entry.set("size_bytes", file.size_bytes);
    if (file.modified_ns != 0) entry.set("modified_ns", file.modified_ns);
    list.push_back(std::move(entry));
  }
  return list;
}

std::vector<PlanFile> files_of(const Json& list, std::string_view location_key) {
  std::vector<PlanFile> files;
  for (const Json& item : list.items())
    files.push_back({item["path"].as_string(), item[location_key].as_string(), item["pattern"].as_string(),
                     item["directory"].as_bool(), item["size_bytes"].as_uint(), item["modified_ns"].as_int()});
  return files;
}

// Fills needs and inputs.
Status read_inputs(const Json& json, PlanStep& step) {
  std::vector<std::string> needs;
  for (const Json& need : json["needs"].items()) {
    if (!need.is_string()) return invalid(step.id, "needs holds something that is no text");
    needs.push_back(need.as_string());
  }
  for (const auto& [name, input] : json["inputs"].members()) {
    const std::string& from = input["from_step"].as_string();
    if (from.empty()) return invalid(step.id, "input " + name + " names no step");
    step.inputs.push_back({name, from, input["in_shards"].as_bool()});
    needs.push_back(from);
  }
  for (std::string& need : needs) {
    if (need == step.id) return invalid(step.id, "it needs itself");
    if (std::find(step.needs.begin(), step.needs.end(), need) == step.needs.end())
      step.needs.push_back(std::move(need));
  }
  // In the order of `needs`, which decides what a step's first input is; an object on its way may have been sorted.
  const auto place = [&step](const PlanInput& input) {
    return std::find(step.needs.begin(), step.needs.end(), input.from_step) - step.needs.begin();
  };
  std::stable_sort(step.inputs.begin(), step.inputs.end(),
                   [&](const PlanInput& a, const PlanInput& b) { return place(a) < place(b); });
  // Of a step with checks, `needs` may name what only these read.
  if (step.inputs.empty() && step.checks.empty())
    for (auto& [name, id] : relation_names(step.needs)) step.inputs.push_back({std::move(name), std::move(id)});
  return {};
}

Status read_checks(const Json& json, PlanStep& step) {
  for (const Json& item : json["checks"].items()) {
    const auto check = data_check_from_json(item);
    if (!check.ok()) return invalid(step.id, check.error().message);
    step.checks.push_back(*check);
  }
  return {};
}

// What a check reads must have ended before.
Status look_at_sources(const PlanStep& step) {
  for (const std::string& source : sources_of_checks(step))
    if (std::find(step.needs.begin(), step.needs.end(), source) == step.needs.end())
      return invalid(step.id, "a check reads step " + source + ", which is not among its needs");
  return {};
}

}  // namespace

std::vector<std::string> sources_of_checks(const PlanStep& step) {
  std::vector<std::string> sources;
  for (const DataCheck& check : step.checks) {
    const auto is_input = [&](const PlanInput& input) { return input.from_step == check.to_step; };
    if (check.to_step.empty() || check.to_step == step.id ||
        std::any_of(step.inputs.begin(), step.inputs.end(), is_input) ||
        std::find(sources.begin(), sources.end(), check.to_step) != sources.end())
      continue;
    sources.push_back(check.to_step);
  }
  return sources;
}

std::string_view mode_name(StepMode mode) {
  static constexpr std::string_view kNames[] = {"extract", "transform", "write"};
  return kNames[static_cast<size_t>(mode)];
}

std::string path_in_directory(const PlanFile& directory, std::string_view path) {
  std::string_view begin = directory.path;
  while (begin.size() > 1 && begin.ends_with('/')) begin.remove_suffix(1);
  if (!directory.is_directory || !path.starts_with(begin) || path.size() <= begin.size() + 1 ||
      path[begin.size()] != '/')
    return {};
  const std::filesystem::path rest = path.substr(begin.size() + 1);
  if (rest.is_absolute() || !rest.has_filename() || rest.lexically_normal() != rest) return {};
  for (const std::filesystem::path& part : rest)
    if (part == ".." || part == ".") return {};
  return rest;
}

Json to_json(const PlanStep& step) {
  Json inputs = Json::object();
  for (const PlanInput& input : step.inputs) {
    Json& entry = inputs.set(input.name, Json::object({{"from_step", input.from_step}}));
    if (input.in_shards) entry.set("in_shards", true);
  }
  Json json = Json::object({{"id", step.id},
                            {"component", step.component},
                            {"driver", step.driver},
                            {"mode", mode_name(step.mode)},
                            {"needs", texts(step.needs)},
                            {"cfg_path", step.cfg_path},
                            {"cfg", step.cfg},
                            {"inputs", std::move(inputs)},
                            {"outputs", files_document(step.outputs, kTarget)},
                            {"input_files", files_document(step.input_files, kSource)}});
  if (!step.connection.empty()) json.set("connection", step.connection);
  if (!step.hosts.empty()) json.set("hosts", texts(step.hosts));
  if (step.timeout_s > 0) json.set("timeout_s", step.timeout_s);
  if (step.materialize) json.set("materialize", true);
  if (step.attempts_max > 1)
    json.set("retry", Json::object({{"max_attempts", step.attempts_max}, {"delay_s", step.retry_delay_s}}));
  if (!step.state.is_null()) json.set("state", step.state);
  if (step.check) json.set("check", true);
  if (step.resumes) json.set("resumes", true);
  Json checks = Json::array();
  for (const DataCheck& check : step.checks) checks.push_back(to_json(check));
  if (checks.size() > 0) json.set("checks", std::move(checks));
  if (Json kept = to_json(step.kept); !kept.is_null()) json.set("kept", std::move(kept));
  if (step.shards) json.set("shards", to_json(*step.shards));
  return json;
}

Result<PlanStep> plan_step_from_json(const Json& json) {
  PlanStep step;
  step.id = json.contains("id") ? json["id"].as_string() : json["step_id"].as_string();
  if (!is_safe_step_id(step.id)) return invalid(step.id, "the id cannot name a directory");
  step.driver = json["driver"].as_string();
  step.component = json["component"].as_string_or(step.driver);
  if (step.driver.empty()) step.driver = step.component;
  if (step.driver.empty()) return invalid(step.id, "it names no driver");
  step.mode = mode_of(json["mode"].as_string(), step.component);
  step.cfg_path = json["cfg_path"].as_string();
  const Json& cfg = json.contains("cfg") ? json["cfg"] : json["config"];
  if (!cfg.is_object() && !cfg.is_null()) return invalid(step.id, "cfg is no object");
  if (cfg.is_object()) step.cfg = cfg;
  OSIRIS_TRY(read_checks(json, step));
  OSIRIS_TRY(read_inputs(json, step));
  OSIRIS_TRY(look_at_sources(step));
  step.outputs = files_of(json["outputs"], kTarget);
  step.input_files = files_of(json["input_files"], kSource);
  step.connection = json["connection"].as_string();
  if (step.connection.empty()) step.connection = step.cfg["connection"].as_string();
  for (const Json& host : json["hosts"].items()) step.hosts.push_back(host.as_string());
  step.materialize = json["materialize"].as_bool();
  step.timeout_s = std::max(0.0, json["timeout_s"].as_double());
  step.attempts_max = std::clamp<uint64_t>(json["retry"]["max_attempts"].as_uint(1), 1, kAttemptsMax);
  step.retry_delay_s = std::max(0.0, json["retry"]["delay_s"].as_double());
  step.state = json["state"];
  step.check = json["check"].as_bool();
  step.resumes = json["resumes"].as_bool();
  const auto kept = kept_output_from_json(json["kept"]);
  if (!kept.ok()) return invalid(step.id, kept.error().message);
  step.kept = *kept;
  if (!json["shards"].is_null()) {
    auto shards = step_shards_from_json(json["shards"]);
    if (!shards.ok()) return invalid(step.id, shards.error().message);
    step.shards = *std::move(shards);
  }
  return step;
}

Json to_json(const Plan& plan) {
  Json steps = Json::array();
  for (const PlanStep& step : plan.steps) steps.push_back(to_json(step));
  return Json::object({{"manifest", plan.manifest},
                       {"steps", std::move(steps)},
                       {"pipeline_id", plan.pipeline_id},
                       {"pipeline_name", plan.pipeline_name},
                       {"profile", plan.profile.empty() ? Json() : Json(plan.profile)},
                       {"manifest_hash", plan.manifest_hash}});
}

Result<Plan> plan_from_json(const Json& json) {
  if (!json["steps"].is_array()) return Error(Code::kInvalidArgument, "the plan has no list of steps");
  Plan plan;
  std::set<std::string> ids;
  for (const Json& item : json["steps"].items()) {
    OSIRIS_ASSIGN(PlanStep step, plan_step_from_json(item));
    if (!ids.insert(step.id).second) return invalid(step.id, "the id occurs twice");
    plan.steps.push_back(std::move(step));
  }
  plan.manifest = json["manifest"];
  plan.pipeline_id = json["pipeline_id"].as_string();
  plan.pipeline_name = json["pipeline_name"].as_string();
  plan.profile = json["profile"].as_string();
  plan.manifest_hash = json["manifest_hash"].as_string();
  return plan;
}

Json to_json(const PlanConnection& connection) {
  Json secrets = Json::object();
  for (const auto& [field, name] : connection.secrets) secrets.set(field, name);
  Json json = Json::object({{"family", connection.family},
                            {"alias", connection.alias},
                            {"fields", connection.fields},
                            {"secrets", std::move(secrets)}});
  if (connection.addresses.size() > 0) json.set("addresses", connection.addresses);
  return json;
}

PlanConnection plan_connection_from_json(std::string_view reference, const Json& json) {
  PlanConnection connection;
  connection.family = json["family"].as_string();
  connection.alias = json["alias"].as_string();
  const size_t dot = std::min(reference.find('.'), reference.size());
  const size_t start = reference.starts_with('@') ? 1 : 0;
  if (connection.family.empty()) connection.family = reference.substr(start, dot - start);
  if (connection.alias.empty()) connection.alias = dot == reference.size() ? "(default)" : reference.substr(dot + 1);
  if (json["fields"].is_object()) connection.fields = json["fields"];
  for (const auto& [field, name] : json["secrets"].members()) connection.secrets[field] = name.as_string();
  if (json["addresses"].is_object()) connection.addresses = json["addresses"];
  return connection;
}

}  // namespace osiris
