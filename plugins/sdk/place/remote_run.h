// One attempt of a run on one machine that is held: worker and package in one upload, start, then the run loop.
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "plugins/sdk/abi/host.h"
#include "plugins/sdk/abi/request.h"
#include "plugins/sdk/channel/streamed_channel.h"
#include "plugins/sdk/channel/waker.h"
#include "plugins/sdk/package/layout.h"
#include "plugins/sdk/package/package_contents.h"
#include "plugins/sdk/place/held_machine.h"
#include "plugins/sdk/run/run_loop.h"

namespace osiris::sdk {

// What a run on any machine has in common; all are borrowed.
struct MachineTerms {
  const RemoteSettings& settings;
  const Template& made_from;
  const Egress& egress;
  const Place& place;
  std::function<std::optional<Error>()> ends_early;  // RunLoopOptions'
  Milliseconds early_grace{0};
};
Opening opening_on_machine(const MachineTerms& terms, const RunRequest& request, const PackageContents& contents,
                           const Layout& layout);
RunLoopOptions loop_options_on_machine(const MachineTerms& terms, const RunRequest& request, const Opening& opening,
                                       const std::string& machine_id);
// Borrows place and access.
ChannelContext channel_context_of(Place& place, MachineAccess& access, const std::string& machine_id,
                                  std::string records_path, Milliseconds retry_budget,
                                  std::function<void(const std::string&)> log);

// All are borrowed.
struct RemoteRun {
  const Host& host;
  const RemoteSettings& settings;
  const RunRequest& request;
  const Waker& waker;
  const std::atomic<bool>& cancelled;
  const Template& made_from;
  const Egress& egress;
  Place& place;
  HeldMachine& held;
  MachineAccess& access;
  int64_t wanted_since_ns;                           // monotonic: when the machine was asked for
  std::function<std::optional<Error>()> ends_early;  // RunLoopOptions'
  Milliseconds early_grace{0};
};

// `packed`: of packed_worker(), where the worker has to travel and it has been begun. An error: the opening was not
// sent, nothing of the user's has happened.
Result<RunOutcome> run_on_machine(const RemoteRun& run, const PackageContents& contents, PackageStream& stream,
                                  std::future<Result<std::string>> packed);

}  // namespace osiris::sdk
