// Latencies of the worker alone, over its own protocol.
#pragma once

#include <string>

namespace osiris::bench {

// From before vfork to the whole first line.
double ms_to_first_message(const std::string& worker);
// Request to response of a step that does nothing, one after another.
double ms_per_noop_step(const std::string& worker, const std::string& directory, int steps);

}  // namespace osiris::bench
