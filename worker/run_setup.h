// What `prepare` asks for, checked and made ready: the plan, what all steps share, and the limits of the process.
#pragma once

#include <memory>
#include <string>

#include "protocol/model/plan.h"
#include "protocol/rpc/params.h"
#include "worker/executor/run.h"
#include "worker/periodic_thread.h"

namespace osiris::worker {

struct RunSetup {
  Run run;
  Plan plan;
  rpc::Settings settings;
  unsigned engine_threads = 1;
};

// Unpacks the run package, reads the plan, makes the run's directories. Neither the database is opened nor a limit set.
// kUnsupported where the host was built from other sources than this worker of `version`.
Result<RunSetup> set_up_run(rpc::PrepareParams params, const std::string& version);

// Holds the process to the memory limit for the result's life; null without a limit. Before the engine starts its
// threads. kExhausted: the machine has no more of them.
Result<std::unique_ptr<PeriodicThread>> keep_memory_limit(const RunSetup& setup);

}  // namespace osiris::worker
