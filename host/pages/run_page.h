// The record of one run as a page for eyes: what ran where, when, with what result, and what is left.
#pragma once

#include <string>

#include "host/pages/run_history.h"

namespace osiris {

struct RunPageOptions {
  bool previews = true;  // the first rows of outputs
  std::string osiris_version;
};

// One HTML document that needs nothing else. Its size does not grow with the number of events.
std::string run_page(const RunHistory& history, const RunPageOptions& options);

}  // namespace osiris
