// A run of which no step has to run: it needs no adapter and no place, and what a worker would say of its steps is said
// here, in the same records.
#pragma once

#include "host/run/run_log.h"
#include "host/run/step_tally.h"
#include "protocol/model/plan.h"

namespace osiris {

bool runs_nothing(const Plan& plan);

// That each step was not run again.
void tell_reused_steps(const Plan& plan, RunLog& log, StepTally& tally);

}  // namespace osiris
