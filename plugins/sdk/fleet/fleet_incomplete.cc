// A run on many machines where shards failed and the others went on (`on_failure: continue`): what is told of their
// steps, and the rest that needs none of what is missing. Nothing is made of an incomplete union.
#include <algorithm>
#include <utility>

#include "plugins/sdk/fleet/fleet_run.h"
#include "plugins/sdk/package/receive_artifacts.h"
#include "plugins/sdk/run/step_board.h"
#include "protocol/base/categories.h"

namespace osiris::sdk {
namespace {

Error skipped_error(const std::string& step_id, const std::string& cause) {
  Error error(Code::kCancelled, "step " + step_id + " was skipped because shards of step " + cause + " failed", "",
              category::kRuntimeDependencyFailed);
  error.detail = Json::object({{"skipped", true}, {"cause", cause}});
  return error;
}

}  // namespace

FleetRun::Incomplete FleetRun::find_incomplete() {
  const std::lock_guard lock(mutex_);
  for (const ShardScheduler::Failure& failure : scheduler_.failures())
    if (!results_.is_failed(failure.shard)) results_.note_failure(failure.shard, failure.error);
  Incomplete found;
  for (const PlanStep& step : context_.request.steps()) {
    std::string cause;
    for (const std::string& need : step.needs) {
      if (!cause.empty()) break;
      if (found.steps.count(need))
        cause = need;
      else if (const auto skipped = found.skipped.find(need); skipped != found.skipped.end())
        cause = skipped->second;
    }
    if (!plan_.is_sharded(step.id)) {
      if (!cause.empty()) found.skipped[step.id] = cause;
      continue;
    }
    const ShardResults::Tally tally = results_.tally_of(step);
    if (tally.is_whole()) continue;
    if (tally.accepted == 0 && tally.failed.empty()) {
      found.skipped[step.id] = cause;
      continue;
    }
    found.steps[step.id] = incomplete_shards(*step.shards, tally.failed, tally.not_run);
    if (found.first.empty() && !tally.failed.empty()) found.first = step.id;
  }
  return found;
}

void FleetRun::tell_incomplete(const Incomplete& incomplete) const {
  const Seconds lasted = results_.seconds();
  for (const PlanStep& step : context_.request.steps()) {
    if (const auto skipped = incomplete.skipped.find(step.id); skipped != incomplete.skipped.end())
      context_.host.event("step_skipped", step.id, Json::object({{"driver", step.driver}, {"cause", skipped->second}}));
    const auto failed = incomplete.steps.find(step.id);
    if (failed == incomplete.steps.end()) continue;
    const ShardResults::Tally tally = results_.tally_of(step);
    const auto number = [&](std::string_view name, uint64_t value) {
      context_.host.metric(
          {.name = name, .unit = "rows", .step_id = step.id, .value = static_cast<double>(value), .tags = {}});
    };
    number(step.mode == StepMode::kWrite ? "rows_written" : "rows_read",
           step.mode == StepMode::kWrite ? tally.rows.rows_written : tally.rows.rows_read);
    if (step.mode != StepMode::kWrite && tally.accepted > 0) number("rows_out", tally.rows.rows_out);
    const Error& error = failed->second;
    Json fields = Json::object({{"driver", step.driver},
                                {"error", error.message},
                                {"error_type", code_name(error.code)},
                                {"category", error.category},
                                {"hint", error.hint},
                                {"detail", error.detail}});
    if (const auto seconds = lasted.find(step.id); seconds != lasted.end()) fields.set("duration", seconds->second);
    for (const char* name : {"step_failed", "step_error"}) context_.host.event(name, step.id, fields);
    context_.host.log(OSIRIS_ERROR, "step " + step.id + " failed: " + error.message);
  }
}

Result<RunOutcome> FleetRun::run_incomplete(Slot& slot) {
  const Incomplete incomplete = find_incomplete();
  results_.tell(context_.host);
  bring_shards_files();
  tell_incomplete(incomplete);
  std::set<std::string> without;
  for (const auto& [id, error] : incomplete.steps) without.insert(id);
  for (const auto& [id, cause] : incomplete.skipped) without.insert(id);
  const bool has_rest =
      std::any_of(context_.request.steps().begin(), context_.request.steps().end(),
                  [&](const PlanStep& step) { return !without.count(step.id) && !plan_.before().count(step.id); });
  RunOutcome outcome;
  if (has_rest) {
    Brought brought = results_.brought();
    brought.insert(before_.begin(), before_.end());
    OSIRIS_ASSIGN(const RunRequest part, plan_.part_after(brought, true, without));
    OSIRIS_ASSIGN(outcome, run_rest(slot, part, results_.seconds()));
  }
  StepBoard board(context_.request.steps());
  for (const Json* done : {&done_before_, &outcome.result})
    for (const Json& entry : (*done)["steps"].items()) {
      const std::string& id = entry["id"].as_string();
      if (entry["status"].as_string() == "success")
        board.succeeded(id, Json::object({{"metrics", entry}}));
      else if (done == &outcome.result)
        board.failed(id, rpc::error_from_json(entry["error"]));
    }
  for (const auto& [id, error] : incomplete.steps) board.failed(id, error);
  for (const auto& [id, cause] : incomplete.skipped) board.failed(id, skipped_error(id, cause));
  board.finished(outcome.result);
  const bool is_ended = !outcome.status && outcome.status.error().code != Code::kStepFailed;
  if (!is_ended) outcome.status = error_of_run(incomplete.first, incomplete.steps.at(incomplete.first));
  outcome.result = board.result_document(is_ended ? "cancelled" : "failed", outcome.result["worker"]);
  return outcome;
}

// The result where the whole is not.
Result<RunOutcome> FleetRun::concluded(Error error) {
  const bool is_cancelled = error.code == Code::kCancelled || error.code == Code::kDeadline;
  const bool is_of_host = error.detail[kOfHost].as_bool();
  if (!is_cancelled && !is_of_host && error.code != Code::kStepFailed && error.detail["class"].is_null()) {
    if (!error.detail.is_object()) error.detail = Json::object();
    error.detail.set("class", failure_class_name(FailureClass::kSandboxError));
  }
  StepBoard board(context_.request.steps());
  for (const Json& entry : done_before_["steps"].items())
    if (entry["status"].as_string() == "success")
      board.succeeded(entry["id"].as_string(), Json::object({{"metrics", entry}}));
  const std::lock_guard lock(mutex_);
  for (const FleetPlan::List& list : plan_.lists())
    for (const PlanStep* step : list.steps)
      if (const auto metrics = results_.metrics_of(*step))
        board.succeeded(step->id, Json::object({{"metrics", *metrics}}));
  if (error.code == Code::kStepFailed) board.failed(error.detail["step_id"].as_string(), error);
  board.abandon(error);
  RunOutcome outcome;
  outcome.status = error;
  outcome.result = board.result_document(is_cancelled ? "cancelled" : "failed", Json::object());
  return outcome;
}

}  // namespace osiris::sdk
