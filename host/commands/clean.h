// What a clean-up did, for people or as a document.
#pragma once

#include <string>

#include "host/commands/context.h"
#include "host/run/retention.h"

namespace osiris {

// Returns the exit code: what could not be removed is a failure.
int print_clean_report(const CommandContext& context, const Project& project, const CleanReport& report, bool dry_run);

// What a run does when it has ended: removes the oldest runs beyond filesystem.retention.max_bytes, where a project has
// that, and never the run itself. What cannot be removed is a warning.
void keep_to_max_bytes(const CommandContext& context, const Project& project, const std::string& run_id);

}  // namespace osiris
