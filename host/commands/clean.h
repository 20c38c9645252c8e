// What a clean-up did, for people or as a document.
#pragma once

#include "host/commands/context.h"
#include "host/run/retention.h"

namespace osiris {

// Returns the exit code: what could not be removed is a failure.
int print_clean_report(const CommandContext& context, const Project& project, const CleanReport& report, bool dry_run);

}  // namespace osiris
