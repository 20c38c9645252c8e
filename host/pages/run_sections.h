// The parts of a run's page, as HTML; empty when the record has nothing for them.
#pragma once

#include <string>

#include "host/pages/run_history.h"

namespace osiris {

std::string notices_section(const RunHistory& history);
std::string timeline_section(const RunHistory& history);   // phases and steps with their bars
std::string charts_section(const RunHistory& history);     // rows, bytes, memory, processor
std::string resources_section(const RunHistory& history);  // held, released, verified; what the run took

}  // namespace osiris
