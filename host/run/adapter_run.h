// One request through all stages of one adapter, as `osiris run` and `osiris connections doctor` make it: secrets are
// lent, remote resources are recorded, and it can be stopped at any moment.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "host/adapters/loader.h"
#include "host/adapters/options.h"
#include "host/compiler/adapter_inputs.h"
#include "host/project/project.h"
#include "host/run/run_events.h"
#include "host/run/stages.h"
#include "host/run/user_state.h"
#include "host/run/worker_binary.h"

namespace osiris {

// With what plans are run, by every command that does: borrowed, but for the last three, for the time of a run.
struct RunMeans {
  const Project& project;
  const Connections& connections;
  const Environment& environment;
  const LoadedAdapter& adapter;
  const ResolvedOptions& options;
  const UserState& user_state;
  WorkerBinary worker;
  std::filesystem::path work_dir;  // absolute
  Json settings;                   // settings_json of the ABI
};

// The request for a plan. Not in it: compiled_dir, session_dir and the deadline.
AdapterRequest request_for(const AdapterInputs& inputs, std::string run_id, const Json& settings,
                           const std::filesystem::path& work_dir, const WorkerBinary& worker);

// Puts the adapter's own secrets that are set into the store. kInvalidArgument where one that it requires is not.
Status lend_own_secrets(const LoadedAdapter& adapter, const Environment& environment, SecretStore& secrets);

class AdapterRun {
 public:
  // All must outlive the object. A log that was never opened keeps nothing.
  AdapterRun(RunLog& log, Masking& masking, StepTally& tally, const Clock& clock)
      : log_(log), masking_(masking), tally_(tally), clock_(clock), secrets_(masking) {}

  // Takes progress lines for the user; set before run().
  std::function<void(std::string, bool important)> say;
  bool says_events = false;        // also what steps tell of themselves
  OutputHashes* hashes = nullptr;  // hashes outputs of completed steps; outlives run(); may be null
  ShardRecord* shards = nullptr;   // keeps what shards settle; likewise
  // Called once the adapter has accepted the request, before anything is acquired; may be empty.
  std::function<void(AdapterInstance&, const AdapterRequest&)> accepted;

  // Makes the values known to the masking, those of sensitive options too, and keeps them until the end. A variable
  // that is not set is left out: the adapter names it in a warning.
  Status lend(const AdapterInputs& inputs, const RunMeans& means);

  // Once. Blocks until everything the adapter holds is released, as far as it can be; what it keeps for a next run is
  // no leftover.
  StagesResult run(const RunMeans& means, AdapterRequest request);

  // [any thread] Stops it, also before it has begun: sets the flag, wakes the adapter.
  void stop(StopReason reason);

  // The adapter's remote resources. [any thread]
  RemoteResources& resources() { return resources_; }
  const RemoteResources& resources() const { return resources_; }
  // What the adapter did that its contract forbids; after run().
  const std::vector<std::string>& misbehaviours() const { return misbehaviours_; }

 private:
  RunLog& log_;
  Masking& masking_;
  StepTally& tally_;
  const Clock& clock_;
  SecretStore secrets_;
  RemoteResources resources_;
  std::vector<std::string> misbehaviours_;
  std::atomic<StopReason> early_stop_{StopReason::kNone};
  std::mutex mutex_;  // the two below against stop()
  RunEvents* events_ = nullptr;
  Stages* stages_ = nullptr;
};

}  // namespace osiris
