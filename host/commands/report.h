// Pages about runs, as files.
#pragma once

#include <string>

#include "host/commands/context.h"

namespace osiris {

// Writes the page of the run with this id into its session if `report: true` of osiris.yaml asks for it. A page that
// cannot be written is a warning: the run is what it was.
void write_page_if_asked(const CommandContext& context, const Project& project, const std::string& run_id);

}  // namespace osiris
