#include "host/run/pipeline_state.h"

#include <algorithm>
#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/clock.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr int kFormat = 1;
constexpr uint64_t kFileBytesMax = 64u << 20;

Error unreadable(const fs::path& file, const std::string& why) {
  return Error(Code::kInvalidArgument, file.string() + " is no state of this pipeline: " + why,
               "put back a copy of it, or let everything begin anew: osiris state reset PIPELINE --all",
               category::kConfigInvalid);
}

// Two pipelines may have one name for a file; then the file tells whose it is.
std::string file_name(std::string_view pipeline_id) {
  const std::string slug = slugify(pipeline_id);
  return slug.empty() ? "pipeline" : slug;
}

Json document_of(const std::string& pipeline, const std::string& profile,
                 const std::map<std::string, StepRecord>& steps) {
  Json entries = Json::object();
  for (const auto& [id, record] : steps)
    entries.set(id, Json::object({{"component", record.component},
                                  {"state", record.state},
                                  {"run_id", record.run_id},
                                  {"committed_at", record.committed_at}}));
  return Json::object(
      {{"format", kFormat}, {"pipeline", pipeline}, {"profile", profile}, {"steps", std::move(entries)}});
}

}  // namespace

Result<PipelineState> PipelineState::read(const Project& project, std::string_view pipeline_id,
                                          std::string_view profile) {
  return read(project, pipeline_id, profile, Damage::kRefused);
}

Result<PipelineState> PipelineState::hold(const Project& project, std::string_view pipeline_id,
                                          std::string_view profile) {
  return hold(project, pipeline_id, profile, Damage::kRefused);
}

Result<PipelineState> PipelineState::hold_damaged(const Project& project, std::string_view pipeline_id,
                                                  std::string_view profile) {
  return hold(project, pipeline_id, profile, Damage::kForgotten);
}

Result<PipelineState> PipelineState::read(const Project& project, std::string_view pipeline_id,
                                          std::string_view profile, Damage damage) {
  PipelineState state;
  state.pipeline_ = std::string(pipeline_id);
  state.profile_ = std::string(profile);
  state.file_ = project.state_dir(profile) / (file_name(pipeline_id) + ".json");
  const auto text = read_file(state.file_, kFileBytesMax);
  if (!text.ok()) {
    if (text.error().code == Code::kNotFound) return state;
    return of_own_files(text.error());
  }
  state.as_read_ = *text;
  bool is_damaged = false;
  const Status parsed = state.parse(*text, is_damaged);
  if (parsed.ok()) return state;
  if (damage == Damage::kRefused || !is_damaged) return parsed.error();
  state.steps_.clear();
  state.damage_ = parsed.error().message;
  return state;
}

Status PipelineState::parse(const std::string& text, bool& is_damaged) {
  const auto json = parse_json(text);
  is_damaged = true;
  if (!json.ok()) return unreadable(file_, json.error().message);
  if (!json->is_object() || !(*json)["format"].is_int()) return unreadable(file_, "it has no format");
  is_damaged = false;
  if ((*json)["format"].as_int() != kFormat)
    return unreadable(
        file_, "its format is " + (*json)["format"].dump() + ", and this osiris knows " + std::to_string(kFormat));
  if ((*json)["pipeline"].as_string() != pipeline_)
    return unreadable(file_,
                      "it is of the pipeline " + (*json)["pipeline"].dump() + ", and not of '" + pipeline_ + "'");
  if ((*json)["profile"].as_string() != profile_)
    return unreadable(file_, "it is of the profile " + (*json)["profile"].dump() + ", and not of '" + profile_ + "'");
  is_damaged = true;
  if (!(*json)["steps"].is_object()) return unreadable(file_, "it has no steps");
  for (const auto& [id, entry] : (*json)["steps"].members()) {
    if (entry["component"].as_string().empty() || !entry["state"].is_object())
      return unreadable(file_, "its step '" + id + "' has no component or no state");
    steps_[id] = {entry["component"].as_string(), entry["state"], entry["run_id"].as_string(),
                  entry["committed_at"].as_string()};
  }
  return {};
}

Result<PipelineState> PipelineState::hold(const Project& project, std::string_view pipeline_id,
                                          std::string_view profile, Damage damage) {
  const fs::path directory = project.state_dir(profile);
  if (const Status made = make_directories(directory); !made.ok()) return of_own_files(made.error());
  const fs::path lock_file = directory / (file_name(pipeline_id) + ".lock");
  auto lock = FileLock::try_take(lock_file);
  if (!lock.ok()) return of_own_files(lock.error());
  if (!*lock)
    return Error(Code::kUnavailable,
                 "another run of pipeline '" + std::string(pipeline_id) +
                     "' is under way, and both would go on from the same state",
                 "wait until it has ended; " + lock_file.string() + " is locked as long as it lives",
                 category::kSystemResourceUnavailable);
  OSIRIS_ASSIGN(PipelineState state, read(project, pipeline_id, profile, damage));
  state.lock_ = **std::move(lock);
  return state;
}

Status PipelineState::give(AdapterInputs& inputs) const {
  for (PlanStep& step : inputs.plan.steps) {
    if (std::find(inputs.stateful.begin(), inputs.stateful.end(), step.id) == inputs.stateful.end()) continue;
    const auto kept = steps_.find(step.id);
    if (kept == steps_.end()) continue;
    if (kept->second.component != step.component)
      return Error(Code::kInvalidArgument,
                   "the state of step '" + step.id + "' in " + file_.string() + " is of " + kept->second.component +
                       ", and the step is " + step.component,
                   "give the step another id, or let it begin anew: osiris state reset " + pipeline_ + " " + step.id,
                   category::kConfigInvalid);
    step.state = kept->second.state;
  }
  return {};
}

void PipelineState::set(const std::string& step_id, std::string component, Json state, std::string run_id) {
  steps_[step_id] = {std::move(component), std::move(state), std::move(run_id),
                     format_iso8601_micros(system_clock().unix_ns())};
}

Status PipelineState::commit() {
  const auto now = read_file(file_, kFileBytesMax);
  if (!now.ok() && now.error().code != Code::kNotFound) return of_own_files(now.error());
  if (now.ok() != as_read_.has_value() || (now.ok() && *now != *as_read_))
    return Error(Code::kUnavailable, file_.string() + " was changed while it was held",
                 "nothing of this run's state is kept: the next run reads the same rows again",
                 category::kSystemResourceUnavailable);
  if (!damage_.empty())
    if (const Status kept = write_file_atomically(file_.string() + ".damaged", *as_read_, {.durable = true});
        !kept.ok())
      return of_own_files(kept.error());
  std::string text = document_of(pipeline_, profile_, steps_).dump_pretty(2) + "\n";
  if (const Status written = write_file_atomically(file_, text, {.durable = true}); !written.ok())
    return of_own_files(written.error());
  as_read_ = std::move(text);
  return {};
}

Result<std::optional<PipelineState>> give_state(const Project& project, const CompiledPipeline& pipeline,
                                                AdapterInputs& inputs, bool holds) {
  if (inputs.stateful.empty()) return std::optional<PipelineState>();
  OSIRIS_ASSIGN(PipelineState state, holds ? PipelineState::hold(project, pipeline.id, pipeline.profile)
                                           : PipelineState::read(project, pipeline.id, pipeline.profile));
  OSIRIS_TRY(state.give(inputs));
  return std::optional<PipelineState>(std::move(state));
}

std::vector<fs::path> state_files(const Project& project) {
  std::vector<fs::path> files;
  std::error_code code;
  for (fs::recursive_directory_iterator at(project.state_dir({}), code), end; !code && at != end; at.increment(code))
    if (at->path().extension() == ".json" && at->is_regular_file(code)) files.push_back(at->path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace osiris
