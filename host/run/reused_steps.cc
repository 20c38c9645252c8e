#include "host/run/reused_steps.h"

#include <algorithm>
#include <utility>

namespace osiris {
namespace {

class Teller {
 public:
  Teller(const PlanStep& step, RunLog& log, StepTally& tally) : step_(step), log_(log), tally_(tally) {}

  void tell() {
    const KeptOutput& kept = step_.kept;
    event("step_start", Json::object({{"driver", step_.driver}}));
    event("step_reused", Json::object({{"driver", step_.driver}, {"run_id", kept.run_id}, {"has_rows", false}}));
    if (step_.mode != StepMode::kWrite) metric("rows_read", kept.rows_read);
    if (step_.mode == StepMode::kWrite) metric("rows_written", kept.rows_written);
    if (step_.mode == StepMode::kTransform) metric("rows_out", kept.rows_out);
    const uint64_t processed = step_.mode == StepMode::kWrite     ? kept.rows_written
                               : step_.mode == StepMode::kExtract ? kept.rows_read
                                                                  : kept.rows_out;
    event(
        "step_complete",
        Json::object({{"driver", step_.driver}, {"rows_processed", processed}, {"duration_ms", 0}, {"duration", 0.0}}));
  }

 private:
  void event(const char* name, const Json& data) {
    Json fields = Json::object({{"step_id", step_.id}});
    for (const auto& [key, value] : data.members()) fields.set(key, value);
    log_.event(name, fields);
    tally_.on_event(name, step_.id, data);
  }

  void metric(const char* name, uint64_t value) {
    log_.metric(name, value, Json::object({{"step_id", step_.id}, {"tags", Json::object({{"step", step_.id}})}}));
    tally_.on_metric(name, step_.id, static_cast<double>(value));
  }

  const PlanStep& step_;
  RunLog& log_;
  StepTally& tally_;
};

}  // namespace

bool runs_nothing(const Plan& plan) {
  return std::none_of(plan.steps.begin(), plan.steps.end(), [](const PlanStep& step) { return step.kept.runs(); });
}

void tell_reused_steps(const Plan& plan, RunLog& log, StepTally& tally) {
  for (const PlanStep& step : plan.steps) Teller(step, log, tally).tell();
}

}  // namespace osiris
