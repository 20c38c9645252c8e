// What two runs differ in, for a terminal.
#pragma once

#include <cstddef>
#include <string>

#include "host/inspection/run_comparison.h"

namespace osiris {

// Of each kind at most twenty differences; values are masked and cut.
std::string comparison_text(const RunComparison& comparison, const RecordedRun& left, const RecordedRun& right,
                            size_t width);

}  // namespace osiris
