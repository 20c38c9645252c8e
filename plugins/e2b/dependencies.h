// What python steps require of packages, and whether a sandbox could get them.
#pragma once

#include <string>
#include <vector>

#include "plugins/e2b/config.h"
#include "plugins/e2b/run_inputs.h"

namespace osiris::e2b {

// Of all steps (requirement_set()), each once and sorted, so that the order of steps makes no other template.
std::vector<std::string> requirement_sets(const RunInputs& request);

// kInvalidArgument: packages are to be installed in the sandbox, and its network leads to no index. pip would try for
// minutes, in a sandbox that is paid for.
Status check_index_reachable(const Config& config, const RunInputs& request);

// Warnings about variables of pip that are lent to the steps and so do not reach a template build: variables lent are
// secrets, and a template is no place for one.
std::vector<std::string> pip_warnings(const Config& config);

}  // namespace osiris::e2b
