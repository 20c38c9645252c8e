// What every run of a worker has in common, wherever the worker is: filled in here for all adapters, so that they
// differ in the channel alone.
#pragma once

#include <string>

#include "plugins/sdk/abi/request.h"
#include "plugins/sdk/run/opening.h"
#include "plugins/sdk/run/run_loop.h"

namespace osiris::sdk {

struct WorkerSettings {
  EnvironmentOptions environment;
  bool install_deps = false;
  std::string cache_dir;     // on the worker's machine
  int64_t heartbeat_ms = 0;  // 0: as the request says
};

// The opening for a worker on this machine; for another one the caller says where things are there.
Opening worker_opening(const RunRequest& request, const WorkerSettings& settings);

// `worker_name`: for messages, the worker's path or "in sandbox abc".
RunLoopOptions worker_loop_options(const RunRequest& request, const Opening& opening, std::string worker_name);

// Opens session_dir/adapter/rpc.log where the request asks for it.
Status open_wire_log(const RunRequest& request, WireLog& wire_log);

}  // namespace osiris::sdk
