#include "worker/executor/plan.h"

#include <algorithm>
#include <utility>

#include "worker/database/database.h"

namespace osiris::worker {
namespace {

constexpr size_t kStepIdBytesMax = 128;
constexpr uint64_t kAttemptsMax = 100;

Error invalid(std::string_view id, std::string_view why) {
  return Error(Code::kInvalidArgument, "plan step \"" + std::string(id) + "\": " + std::string(why),
               "This is a bug of whoever made the plan: report it.");
}

// The id names a directory under artifacts/.
bool is_safe_id(std::string_view id) {
  return !id.empty() && id.size() <= kStepIdBytesMax && id != "." && id != ".." &&
         std::none_of(id.begin(), id.end(), [](char c) { return c == '/' || c == '\0' || c == '\n'; });
}

Mode mode_of(const std::string& name, const std::string& component) {
  if (name == "read" || name == "extract") return Mode::kExtract;
  if (name == "write" || name == "load") return Mode::kWrite;
  if (!name.empty()) return Mode::kTransform;
  if (component.ends_with("extractor")) return Mode::kExtract;
  return component.ends_with("writer") ? Mode::kWrite : Mode::kTransform;
}

std::vector<PlanStep::File> files(const Json& list, std::string_view location_key) {
  std::vector<PlanStep::File> result;
  for (const Json& item : list.items()) result.push_back({item["path"].as_string(), item[location_key].as_string()});
  return result;
}

}  // namespace

Result<PlanStep> plan_step_from_json(const Json& json) {
  PlanStep step;
  step.id = json.contains("id") ? json["id"].as_string() : json["step_id"].as_string();
  if (!is_safe_id(step.id)) return invalid(step.id, "the id cannot name a directory");
  step.driver = json["driver"].as_string();
  step.component = json["component"].as_string_or(step.driver);
  if (step.driver.empty()) step.driver = step.component;
  if (step.driver.empty()) return invalid(step.id, "it names no driver");
  step.mode = mode_of(json["mode"].as_string(), step.component);
  step.cfg_path = json["cfg_path"].as_string();
  const Json& cfg = json.contains("cfg") ? json["cfg"] : json["config"];
  if (!cfg.is_object() && !cfg.is_null()) return invalid(step.id, "cfg is no object");
  step.cfg = cfg.is_null() ? Json::object() : cfg;

  for (const Json& need : json["needs"].items()) {
    if (!need.is_string()) return invalid(step.id, "needs holds something that is no text");
    step.needs.push_back(need.as_string());
  }
  for (const auto& [name, input] : json["inputs"].members()) {
    const std::string& from = input["from_step"].as_string();
    if (from.empty()) return invalid(step.id, "input " + name + " names no step");
    step.inputs.push_back({name, from});
    step.needs.push_back(from);
  }
  // In the order of `needs`, which decides what a step's first input is; an object on its way may have been sorted.
  const auto place = [&step](const PlanStep::Input& input) {
    return std::find(step.needs.begin(), step.needs.end(), input.from_step) - step.needs.begin();
  };
  std::stable_sort(step.inputs.begin(), step.inputs.end(),
                   [&](const PlanStep::Input& a, const PlanStep::Input& b) { return place(a) < place(b); });
  if (step.inputs.empty()) {
    for (const std::string& need : step.needs) step.inputs.push_back({relation_table(need), need});
  }
  std::vector<std::string> unique;
  for (std::string& need : step.needs) {
    if (need == step.id) return invalid(step.id, "it needs itself");
    if (std::find(unique.begin(), unique.end(), need) == unique.end()) unique.push_back(std::move(need));
  }
  step.needs = std::move(unique);

  step.outputs = files(json["outputs"], "target");
  step.input_files = files(json["input_files"], "source");
  step.connection = json["connection"].as_string();
  if (step.connection.empty()) step.connection = step.cfg["connection"].as_string();
  step.timeout_s = std::max(0.0, json["timeout_s"].as_double());
  step.attempts_max = std::clamp<uint64_t>(json["retry"]["max_attempts"].as_uint(1), 1, kAttemptsMax);
  step.retry_delay_s = std::max(0.0, json["retry"]["delay_s"].as_double());
  step.check = json["check"].as_bool();
  return step;
}

const PlanStep* Plan::find(std::string_view id) const {
  const auto found = index_.find(id);
  return found == index_.end() ? nullptr : &steps[found->second];
}

Result<Plan> plan_from_json(const Json& json) {
  if (!json["steps"].is_array()) return Error(Code::kInvalidArgument, "the plan has no list of steps");
  Plan plan;
  for (const Json& item : json["steps"].items()) {
    OSIRIS_ASSIGN(PlanStep step, plan_step_from_json(item));
    if (!plan.index_.emplace(step.id, plan.steps.size()).second) return invalid(step.id, "the id occurs twice");
    plan.steps.push_back(std::move(step));
  }
  return plan;
}

PathMap::PathMap(std::filesystem::path work_dir, std::vector<rpc::PathMapping> mappings)
    : work_dir_(std::move(work_dir)), mappings_(std::move(mappings)) {
  std::stable_sort(mappings_.begin(), mappings_.end(),
                   [](const auto& a, const auto& b) { return a.from.size() > b.from.size(); });
}

std::filesystem::path PathMap::resolve(std::string_view path) const {
  const std::string absolute = (work_dir_ / std::filesystem::path(path)).lexically_normal().string();
  for (const rpc::PathMapping& mapping : mappings_) {
    std::string_view from = mapping.from;
    while (from.size() > 1 && from.ends_with('/')) from.remove_suffix(1);
    if (!std::string_view(absolute).starts_with(from)) continue;
    const std::string_view rest = std::string_view(absolute).substr(from.size());
    if (rest.empty()) return mapping.to;
    if (rest.front() == '/') return std::filesystem::path(mapping.to) / rest.substr(1);
    if (from == "/") return std::filesystem::path(mapping.to) / rest;
  }
  return absolute;
}

}  // namespace osiris::worker
