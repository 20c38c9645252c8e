#include "plugins/sdk/run/worker_run.h"

#include <algorithm>
#include <utility>

namespace osiris::sdk {
namespace {

// Silence is three heartbeats that did not come, but not less: a loaded machine may be late.
constexpr int64_t kSilenceMsMin = 600;

}  // namespace

Opening worker_opening(const RunRequest& request, const WorkerSettings& settings) {
  Opening opening;
  opening.prepare = request.prepare_params();
  opening.prepare.settings.install_deps = settings.install_deps;
  opening.prepare.settings.cache_dir = settings.cache_dir;
  if (settings.heartbeat_ms > 0) opening.prepare.settings.heartbeat_ms = static_cast<uint32_t>(settings.heartbeat_ms);
  opening.secret_names = request.connection_secrets();
  opening.environment = settings.environment;
  opening.step_ids = request.step_ids();
  return opening;
}

RunLoopOptions worker_loop_options(const RunRequest& request, const Opening& opening, std::string worker_name) {
  RunLoopOptions options;
  options.silence_ms = std::max(3 * int64_t{opening.prepare.settings.heartbeat_ms}, kSilenceMsMin);
  options.deadline_monotonic_ns = request.deadline_monotonic_ns;
  options.worker_name = std::move(worker_name);
  options.path_map = opening.prepare.path_map;
  return options;
}

Status open_wire_log(const RunRequest& request, WireLog& wire_log) {
  if (!request.settings["rpc_debug"].as_bool()) return {};
  return wire_log.open(request.adapter_dir() / "rpc.log");
}

}  // namespace osiris::sdk
