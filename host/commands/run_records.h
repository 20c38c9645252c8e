// The index as `runs` and `logs` show it: one record per run, newest first, with the status of now.
#pragma once

#include <string>
#include <vector>

#include "host/commands/context.h"
#include "host/project/run_index.h"

namespace osiris {

struct RunFilter {
  std::string pipeline, profile, status;  // empty: any
  std::string since;                      // "7d", "24h", "30m", "10s"; empty: ever
  size_t limit = 0;                       // 0: all
};

// A running record whose host is gone says "interrupted".
Result<std::vector<RunRecord>> read_runs(const CommandContext& context, const RunFilter& filter);

// "7d", "24h", "30m", "10s" before now, as the index writes times. The error names `flag`.
Result<std::string> time_before(const std::string& text, const char* flag);

// The newest run; kNotFound when there is none.
Result<RunRecord> newest_run(const CommandContext& context);

// The run whose id, or whose id's beginning or end, is `name`, in either case; its number ("2", "000002", "hello/2")
// and its session directory's name will do too. kNotFound, or kInvalidArgument that names them when several match.
Result<RunRecord> find_run(const CommandContext& context, const std::string& name);

}  // namespace osiris
