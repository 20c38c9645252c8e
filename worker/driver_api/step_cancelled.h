// What a driver returns once StepContext::is_cancelled() is true.
#pragma once

#include "protocol/base/error.h"

namespace osiris::worker {

// The user reads the reason that the executor puts in its place: it knows who stopped the step.
inline Error step_cancelled() { return Error(Code::kCancelled, "the step was cancelled"); }

}  // namespace osiris::worker
