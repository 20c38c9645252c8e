// An adapter used outside a run, for what it owns or can reach: created, configured, asked, destroyed.
#pragma once

#include <memory>
#include <mutex>

#include "host/adapters/instance.h"
#include "host/adapters/options.h"
#include "host/commands/adapter_flags.h"
#include "host/commands/context.h"
#include "host/components/registry.h"
#include "host/run/run_events.h"
#include "host/run/user_state.h"

namespace osiris {

// Options from the flags of one command, the environment and osiris.yaml.
Result<ResolvedOptions> resolve_adapter_options(const CommandContext& context, const Project& project,
                                                const LoadedAdapter& adapter, const FlagValues& flags);

// What an adapter is told of the user: whose resources are whose, and the directories it may use. Also outside runs.
Json user_settings(const CommandContext& context, const UserState& user_state);
// What every request's settings_json holds: how the worker is checked, which remote resources are whose, and whether
// the wire is logged.
Json adapter_settings(const CommandContext& context, const ComponentRegistry& registry, const UserState& user_state);

// A signal asks the call that is going on to return, as the end of kLimitNs does; a second one leaves.
class StandaloneAdapter {
 public:
  static constexpr int64_t kLimitNs = 600'000'000'000;

  static Result<std::unique_ptr<StandaloneAdapter>> open(const CommandContext& context, const LoadedAdapter& adapter,
                                                         const ResolvedOptions& options);
  AdapterInstance& instance() { return *instance_; }
  const Masking& masking() const { return masking_; }
  SecretStore& secrets() { return secrets_; }
  const AdapterManifest& manifest() const { return manifest_; }

 private:
  explicit StandaloneAdapter(const LoadedAdapter& adapter);
  void stop(StopReason reason);  // [any thread]

  const AdapterManifest manifest_;
  Masking masking_;
  RunLog log_;  // never opened: nothing is kept of such a session
  StepTally tally_;
  RemoteResources resources_;
  SecretStore secrets_;
  RunEvents events_;
  std::mutex mutex_;  // instance_ against stop()
  std::unique_ptr<AdapterInstance> instance_;
  std::unique_ptr<Interrupts> interrupts_;
};

}  // namespace osiris
