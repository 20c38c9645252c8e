#include "plugins/sdk/run/step_board.h"

#include "protocol/base/categories.h"

namespace osiris::sdk {
namespace {

// Many drivers begin with their step, as Python Osiris's did; twice reads badly.
std::string naming_step(const std::string& id, const std::string& message) {
  const bool named = message.starts_with("Step " + id + ":") || message.starts_with("step " + id + " ");
  return named ? message : "step " + id + ": " + message;
}

}  // namespace

Error error_of_run(const std::string& step_id, const Error& error) {
  Error of_run(Code::kStepFailed, naming_step(step_id, error.message), error.hint, error.category);
  of_run.detail = Json::object({{"step_id", step_id}, {"code", code_name(error.code)}});
  if (!error.detail.is_null()) of_run.detail.set("data", error.detail);
  return of_run;
}

StepBoard::StepBoard(const std::vector<PlanStep>& plan_steps) {
  for (const PlanStep& step : plan_steps) {
    steps_[step.id].position = ids_.size();
    ids_.push_back(step.id);
    modes_.emplace(step.id, step.mode);
  }
}

StepBoard::Step* StepBoard::find(std::string_view step_id) {
  const auto found = steps_.find(step_id);
  return found == steps_.end() ? nullptr : &found->second;
}

void StepBoard::set_state(Step& step, State state) {
  if (step.state == State::kSucceeded) --completed_;
  if (state == State::kSucceeded) ++completed_;
  if (state == State::kRunning) {
    running_.insert(step.position);
  } else {
    running_.erase(step.position);
  }
  step.state = state;
}

void StepBoard::started(std::string_view step_id) {
  Step* step = find(step_id);
  if (step && step->state == State::kWaiting) set_state(*step, State::kRunning);
}

void StepBoard::succeeded(std::string_view step_id, const Json& result) {
  Step* step = find(step_id);
  if (!step) return;
  set_state(*step, State::kSucceeded);
  step->metrics = result["metrics"];
  step->artifacts = result["artifacts"];
}

void StepBoard::failed(std::string_view step_id, const Error& error) {
  Step* step = find(step_id);
  if (!step) return;
  step->error = error;
  if (error.detail["skipped"].as_bool()) {
    set_state(*step, State::kSkipped);
  } else if (error.code == Code::kCancelled) {
    set_state(*step, State::kCancelled);
  } else {
    set_state(*step, State::kFailed);
    if (!first_failure_) first_failure_ = Failure{std::string(step_id), error};
  }
}

void StepBoard::finished(const Json& result) {
  if (result["total_rows"].is_int()) total_rows_ = result["total_rows"].as_uint();
}

void StepBoard::abandon(const Error& error) {
  const bool cancelled = error.code == Code::kCancelled || error.code == Code::kDeadline;
  for (auto& [id, step] : steps_) {
    if (step.state == State::kRunning) {
      set_state(step, cancelled ? State::kCancelled : State::kFailed);
      step.error = error;
    } else if (step.state == State::kWaiting) {
      set_state(step, cancelled ? State::kCancelled : State::kSkipped);
      step.error =
          cancelled ? error
                    : Error(Code::kCancelled, "not started: " + error.message, {}, category::kRuntimeDependencyFailed);
    }
  }
}

std::vector<std::string> StepBoard::running() const {
  std::vector<std::string> running;
  for (const size_t position : running_) running.push_back(ids_[position]);
  return running;
}

Json StepBoard::artifacts() const {
  Json all = Json::array();
  for (const std::string& id : ids_)
    for (const Json& artifact : steps_.at(id).artifacts.items()) all.push_back(artifact);
  return all;
}

Json StepBoard::result_document(std::string_view status, const Json& worker) const {
  static constexpr std::string_view kNames[] = {"skipped", "failed", "success", "failed", "skipped", "cancelled"};
  Json steps = Json::array();
  uint64_t written = 0, read = 0;
  for (const std::string& id : ids_) {
    const Step& step = steps_.at(id);
    Json entry = Json::object({{"id", id}, {"status", kNames[static_cast<size_t>(step.state)]}});
    for (const char* key : {"rows_read", "rows_written", "rows_out", "duration_ms"})
      if (step.metrics[key].is_number()) entry.set(key, step.metrics[key]);
    if (step.error) entry.set("error", rpc::error_to_json(*step.error));
    steps.push_back(std::move(entry));
    const StepMode mode = modes_.at(id);
    if (mode == StepMode::kWrite) written += step.metrics["rows_written"].as_uint();
    if (mode == StepMode::kExtract) read += step.metrics["rows_read"].as_uint();
  }
  Json document = Json::object({{"schema", "osiris.result/1"}, {"status", status}, {"steps", std::move(steps)}});
  document.set("total_rows", total_rows_.value_or(written ? written : read));
  document.set("worker", worker);
  return document;
}

}  // namespace osiris::sdk
