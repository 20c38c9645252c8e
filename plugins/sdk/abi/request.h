// What the host asked for (osiris_request), read once into C++ types.
#pragma once

#include <osiris/adapter.h>
#include <osiris/adapter.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "protocol/model/plan.h"
#include "protocol/rpc/params.h"

namespace osiris::sdk {

// What holds for a run whatever its plan.
struct RunTerms {
  std::string run_id;
  Json connections;  // docs/plugin-abi.md, "connections_json"
  Json settings;     // "settings_json"
  std::filesystem::path session_dir, work_dir, worker_path;
  std::string worker_sha256;
  int64_t deadline_monotonic_ns = 0;  // 0: none; what the wall clock is set to later does not move it
};

struct RunRequest : RunTerms {
  Json manifest;  // "manifest_json": as it came, for a worker that knows more of it
  Plan plan;      // what it says
  Json prepared;  // null before prepare

  // Takes the manifest, if it is a plan.
  Status set_manifest(Json json);
  // The same run with another plan, of which nothing is prepared. The plan that is here, large as it may be, is not
  // copied.
  Result<RunRequest> with_manifest(Json json) const;
  const std::vector<PlanStep>& steps() const { return plan.steps; }
  std::vector<std::string> step_ids() const;
  // Of the steps that leave something to do, sorted: what a worker may get ready for before it is told its run.
  std::vector<std::string> drivers() const;
  // Names of the secrets the connections of this run refer to, sorted.
  std::vector<std::string> connection_secrets() const;
  // Where this adapter may write in the session: session_dir/adapter.
  std::filesystem::path adapter_dir() const { return session_dir / "adapter"; }
  // What the worker's prepare needs of this request, for a worker on this machine: no secrets, no environment.
  rpc::PrepareParams prepare_params() const;
};

// kInvalidArgument when a document is no JSON or the plan has no steps. To be called first thing in a stage: the
// request's deadline is a time of day, and `clock` turns it into one of the steady clock.
Result<RunRequest> read_request(const plugin::Request& request, const Clock& clock = system_clock());
Result<RunRequest> read_request(const osiris_request* request, const Clock& clock = system_clock());

}  // namespace osiris::sdk
