// What a step wants installed, read from its config.
#pragma once

#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::worker::python {

// Sorted, each once; kInvalidArgument for one that pip would take for an option.
Result<std::vector<std::string>> read_requirements(const Json& list);

}  // namespace osiris::worker::python
