// Whether the shards of a run were taken in as the plan lists them: each exactly once, with the rows of the step, and
// with fingerprints of rows that add up to that of the step's output.
#pragma once

#include <vector>

#include "host/run/step_tally.h"
#include "protocol/base/error.h"
#include "protocol/model/plan.h"

namespace osiris {

// For a run whose steps have all completed.
Status prove_shards(const Plan& plan, const std::vector<StepState>& steps);

}  // namespace osiris
