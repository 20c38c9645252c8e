// The packages that a step requires, as `osiris-worker --install-requirements` wants them: one environment is made for
// each interpreter and distinct set.
#pragma once

#include <string>

#include "protocol/model/plan.h"

namespace osiris {

// {"python":"python3","requirements":["pandas==2.0.0"]}, sorted, so that the order of a step's list makes no other set.
// Empty: it requires nothing.
std::string requirement_set(const PlanStep& step);

}  // namespace osiris
