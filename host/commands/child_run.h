// A run in a process of its own: osiris as a user would call it, so that nothing of a run is said twice.
#pragma once

#include <string>
#include <vector>

#include "host/commands/context.h"
#include "protocol/base/error.h"

namespace osiris {

// Runs `osiris ARGUMENTS --json` in the working directory, with this process's own environment, and returns the id of
// the run, whether it ended well or not. What it says on standard error goes to ours. A signal to this process cancels
// it; kCancelled then. kUnavailable where it made no run.
Result<std::string> run_as_child(const CommandContext& context, const std::vector<std::string>& arguments);

// Whether such a run would be refused: the same with --dry-run, of which nothing is seen but the error.
Status check_run_as_child(const CommandContext& context, std::vector<std::string> arguments);

}  // namespace osiris
