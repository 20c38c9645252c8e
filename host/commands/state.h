// How the state of a step is shown.
#pragma once

#include <string>

#include "protocol/base/json.h"

namespace osiris {

// In a line: "updated_at >= 2025-01-31 10:00:00, 2 rows of that value taken", or the beginning of its JSON.
std::string state_text(const Json& state);

}  // namespace osiris
