// Looks at the rows that a step has made, before another step reads them: one event `check_result` for each of its
// checks, and an error where the step must not count as a success. Nothing of the rows but their number is in events.
#pragma once

#include <memory>
#include <vector>

#include "protocol/base/clock.h"
#include "worker/executor/run.h"
#include "worker/executor/step_control.h"
#include "worker/executor/step_runner.h"

namespace osiris::worker {

struct CheckedStep {
  const Run& run;
  const PlanStep& step;
  std::shared_ptr<const Relation> rows;  // null: it made none
  const std::vector<StepInput>& views;   // its inputs
  const Relations& sources;              // by step: what relationships look values up in
  StepControl& control;
  RecordSink& sink;
  const Clock& clock;
};

// Blocking; all checks are run, in their order, until the step is stopped. kStepFailed with category validation.failed
// where rows fail a check of severity error. A check that cannot be run fails the step whatever its severity.
Status run_checks(const CheckedStep& checked);

}  // namespace osiris::worker
