// The drivers this worker has, by name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "worker/driver_api/driver.h"

namespace osiris::worker {

// Null for a name it does not know.
const Driver* find_driver(std::string_view name);
// Those of components, sorted. `mock` only when asked for: it is for tests.
std::vector<std::string> driver_names(bool with_mock);

}  // namespace osiris::worker
