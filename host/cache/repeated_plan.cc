// What was decided, as a plan for the worker and as a record for later runs.
#include <set>

#include "host/cache/repeat.h"

namespace osiris {
namespace {

// A step that does not run has nothing to read, to write or to connect to.
void leave_alone(PlanStep& step) {
  step.needs.clear();
  step.inputs.clear();
  step.outputs.clear();
  step.input_files.clear();
  step.hosts.clear();
  step.checks.clear();
  step.shards.reset();
  step.connection.clear();
  step.timeout_s = 0;
  step.attempts_max = 1;
  step.cfg.erase("connection");
}

void take_counts(const KeptEntry& entry, PlanStep& step) {
  step.kept.run_id = entry.run_id;
  step.kept.rows_read = entry.rows_read;
  step.kept.rows_out = entry.rows_out;
}

}  // namespace

void take_rows(const KeptEntry& entry, PlanStep& step) {
  leave_alone(step);
  const std::string file = entry.file.string();
  step.input_files.push_back({file, file, "", false});
  step.kept.use = StepUse::kTake;
  step.kept.shard_rows = entry.shard_rows;
  take_counts(entry, step);
}

void apply_repeat(const Repeat& repeat, const RunKeys* base, uint64_t bytes_max, Plan& plan) {
  std::vector<PlanStep> steps;
  std::set<std::string> ids;
  for (const StepDecision& decision : repeat.steps)
    if (decision.fate != StepFate::kLeftOut) ids.insert(decision.id);
  for (PlanStep& step : plan.steps) {
    const StepDecision* decision = repeat.find(step.id);
    if (!decision || !ids.contains(step.id)) continue;
    if (decision->fate == StepFate::kRuns) {
      std::erase_if(step.needs, [&](const std::string& need) { return !ids.contains(need); });
      if (decision->keeps) {
        step.kept.use = StepUse::kKeep;
        step.kept.bytes_max = bytes_max;
      }
    } else {
      leave_alone(step);
      step.kept.use = StepUse::kDone;
      if (base)
        if (const auto before = base->steps.find(step.id); before != base->steps.end()) {
          step.kept.run_id = before->second.run_id;
          step.kept.rows_read = before->second.rows_read;
          step.kept.rows_written = before->second.rows_written;
          step.kept.rows_out = before->second.rows_out;
        }
      if (decision->entry) take_counts(*decision->entry, step);
      if (decision->fate == StepFate::kTaken) take_rows(*decision->entry, step);
    }
    steps.push_back(std::move(step));
  }
  plan.steps = std::move(steps);
}

RunKeys keys_of_run(const Repeat& repeat, const RunKeys* base, const std::string& run_id) {
  RunKeys keys;
  keys.run_id = run_id;
  for (const StepDecision& decision : repeat.steps) {
    const RanStep* before = nullptr;
    if (base)
      if (const auto found = base->steps.find(decision.id); found != base->steps.end()) before = &found->second;
    RanStep& step = keys.steps[decision.id];
    if (decision.fate == StepFate::kLeftOut) {
      if (before)
        step = *before;
      else
        keys.steps.erase(decision.id);
      continue;
    }
    step.files = decision.facts.files;
    step.parts = decision.facts.parts;
    bool is_known = decision.is_keyable;
    for (const auto& [name, source] : decision.sources) {
      const auto found = keys.steps.find(source);
      const std::string content = found == keys.steps.end() ? std::string() : found->second.content;
      step.parts.emplace_back(name, content);
      is_known = is_known && !content.empty();
    }
    step.key = is_known ? key_of(step.parts) : std::string();
    const bool is_determined_here = is_determined(decision.facts.nature) && is_known;
    step.content = is_determined_here ? step.key : "run:" + run_id;
    step.keeps = decision.keeps;
    step.why_not_kept = decision.facts.why_not_kept;
    step.run_id = run_id;
    if (decision.fate == StepFate::kRuns) continue;
    step.complete = true;
    if (before && before->key == step.key) {
      step.outputs = before->outputs;
      step.run_id = before->run_id;
      step.rows_read = before->rows_read;
      step.rows_written = before->rows_written;
      step.rows_out = before->rows_out;
      if (!is_determined_here) step.content = before->content;
    }
    if (decision.entry) {
      step.run_id = decision.entry->run_id;
      step.rows_read = decision.entry->rows_read;
      step.rows_out = decision.entry->rows_out;
      step.content = decision.entry->content;
    }
  }
  return keys;
}

}  // namespace osiris
