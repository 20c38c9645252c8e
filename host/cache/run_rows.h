// What one run has left of its steps' rows: where they are kept, and why others are not.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/cache/kept_outputs.h"
#include "host/project/project.h"
#include "host/project/run_index.h"
#include "protocol/base/clock.h"

namespace osiris {

struct StepRows {
  std::optional<KeptEntry> entry;
  std::string why_not;  // a clause, where there is no entry: "it did not end well in that run"
};

struct RunRows {
  bool is_known = false;                  // false: the run kept nothing and left no word of its steps
  std::map<std::string, StepRows> steps;  // writers too, which have no rows
  std::vector<std::string> damaged;       // what was kept and is no more what it was
};

// Rows that a later run has kept under the same key count only where they are the same by their content. What is found
// was of use, and goes last when room is made.
RunRows rows_of_run(const Project& project, const RunRecord& record, const Clock& clock);

}  // namespace osiris
