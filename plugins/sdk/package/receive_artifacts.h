// Brings back what the run wrote: one archive, streamed, every file written beside its target and checked by size and
// hash before the first one is put in its place. Targets come from the host's own plan, never from the remote machine.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "plugins/sdk/abi/request.h"
#include "plugins/sdk/channel/remote_process.h"
#include "protocol/model/artifact.h"
#include "protocol/rpc/params.h"

namespace osiris::sdk {

// The key of an error's detail that says: it was a file of this machine that could not be written, and no output of a
// step. Neither the service nor its machine is at fault.
inline constexpr const char* kOfHost = "of_host";

struct ReceiveLimits {
  // Of artifacts/ in all. Not of outputs, which are as large as the user's data are, nor of kept rows, which the plan
  // bounds.
  uint64_t session_bytes_max = 1ull << 30;
  // A broken download is continued where it broke, as long as bytes come: so much time may pass from one break to the
  // next byte.
  Milliseconds retry_budget{30'000};
};

struct Received {
  std::vector<Artifact> outputs;  // `target` is the path on this machine
  uint64_t files = 0;
  uint64_t bytes = 0;  // of the files
  uint64_t bytes_on_the_wire = 0;
};

// Where the archive comes from. All are called from the caller's thread.
struct ArtifactSource {
  const Service& service;
  std::function<std::unique_ptr<ByteStream>(uint64_t offset)> open;
  std::function<bool(Milliseconds)> sleep;  // false: cancelled
  const std::atomic<bool>& cancelled;
  std::function<Status()> verified = {};  // asked once all is here and checked; an error: nothing is put in its place
};

// What keeps an output of a step from its place on this machine, as the failure of the step that a local run would have
// met.
Error output_failure(const std::string& step_id, const Error& error);

// Whether every output of the plan could be put in its place, before anything is paid for. Touches nothing.
Status check_outputs(const RunRequest& request);

// `packed` is the worker's answer to `pack`. An entry that the plan does not know, a path that leaves the session, a
// size or hash that differs: an error, and nothing was replaced.
Result<Received> receive_artifacts(const ArtifactSource& source, const rpc::Packed& packed, const RunRequest& request,
                                   const ReceiveLimits& limits);

}  // namespace osiris::sdk
