// Removes whole runs, as `osiris runs prune` asks: the session with its page, the summary, and the run's lines of the
// index.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/project/project.h"
#include "host/project/run_index.h"
#include "host/run/retention.h"
#include "host/run/user_state.h"
#include "protocol/base/clock.h"
#include "protocol/base/error.h"

namespace osiris {

// A run goes when one of the limits says so; without any, none does.
struct PruneLimits {
  std::optional<size_t> keep;          // the newest so many of each pipeline stay
  std::string oldest;                  // runs that began before stay not; a time as the index has them; empty: none
  std::optional<uint64_t> size_bytes;  // what sessions and summaries may take together; the newest runs stay
  std::string spared_run;              // stays, and counts; empty: none
};

// `runs` are those to choose from, newest first, with the status of now. What a run that lives or may hold remote
// resources left is kept, whatever the limits say. One clean-up works in a project at a time: kUnavailable while
// another does.
Result<CleanReport> prune_runs(const Project& project, const UserState& user_state, const std::vector<RunRecord>& runs,
                               const PruneLimits& limits, const Clock& clock, bool dry_run);

}  // namespace osiris
