// Brings back what the run wrote: one archive, streamed, every file written beside its target and checked by size and hash
// before the first one is put in its place. Targets come from the host's own plan, never from the far side.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "plugins/e2b/api/envd.h"
#include "plugins/sdk/abi/request.h"
#include "protocol/rpc/params.h"

namespace osiris::e2b {

struct FetchLimits {
  uint64_t session_bytes_max = 1ull << 30;  // of artifacts/ in all; outputs are as large as the user's data are
  // A broken download is continued where it broke, as long as bytes come: so much time may pass from one break to the next byte.
  http::Milliseconds retry_budget{30'000};
};

struct Fetched {
  std::vector<rpc::Artifact> outputs;  // `target` is the path on this machine
  uint64_t files = 0;
  uint64_t bytes = 0;  // of the files
  uint64_t bytes_on_the_wire = 0;
};

// What keeps an output of a step from its place on this machine, as the failure of the step that a local run would have met.
Error output_failure(const std::string& step_id, const Error& error);

// Whether every output of the plan could be put in its place, before anything is paid for. Touches nothing.
Status check_outputs(const sdk::RunRequest& request);

// `packed` is the worker's answer to `pack`. An entry that the plan does not know, a path that leaves the session, a size or hash
// that differs: an error, and nothing was replaced.
Result<Fetched> fetch_artifacts(Envd& envd, const rpc::Packed& packed, const sdk::RunRequest& request, const FetchLimits& limits,
                                const std::function<bool(http::Milliseconds)>& sleep, const std::atomic<bool>& cancelled);

}  // namespace osiris::e2b
