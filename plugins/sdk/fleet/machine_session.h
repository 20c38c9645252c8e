// One machine of a fleet while it is held: a relay on it runs the parts that it is handed, one after the other, and the
// next is there before one has ended (docs/decisions/0258-one-stream-per-machine.md).
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugins/sdk/abi/host.h"
#include "plugins/sdk/abi/request.h"
#include "plugins/sdk/channel/waker.h"
#include "plugins/sdk/channel/worker_relay.h"
#include "plugins/sdk/package/package_contents.h"
#include "plugins/sdk/package/receive_artifacts.h"
#include "plugins/sdk/place/held_machine.h"
#include "plugins/sdk/place/remote_run.h"
#include "plugins/sdk/run/run_loop.h"

namespace osiris::sdk {

// All are borrowed.
struct SessionContext {
  const Host& host;
  const Waker& waker;
  const std::atomic<bool>& cancelled;
  MachineTerms terms;
  Place& place;
  HeldMachine& held;
  MachineAccess& access;
  const RunRequest& request;                         // the run's, for its worker
  std::shared_ptr<const std::string> packed_worker;  // of packed_worker(); null: the template has it
  bool has_worker = false;                           // the machine has it
};

// A part on its way. What it borrows is the caller's until it is gone.
class HandedPart {
 public:
  // Blocking, once, after the part before was waited for.
  RunOutcome wait() { return loop_->finish(); }
  // What it packed, afterwards: from the stream, or from its machine.
  ArtifactSource packed_source(const SessionContext& context, const rpc::Packed& packed,
                               std::function<bool(Milliseconds)> sleep, const std::string& operation);
  // [any thread] Asks its machine to give it up, if its turn has not come.
  void ask_back() { channel_->drop(); }
  // The same bytes, where the stream brought them.
  std::shared_ptr<const std::string> packed_bytes();

 private:
  friend class MachineSession;
  WireLog wire_log_;
  std::unique_ptr<RelayedChannel> channel_;
  std::unique_ptr<RunLoop> loop_;
  std::shared_ptr<const std::string> packed_bytes_;
};

class MachineSession {
 public:
  explicit MachineSession(SessionContext context);
  MachineSession(const MachineSession&) = delete;
  MachineSession& operator=(const MachineSession&) = delete;

  const SessionContext& context() const { return context_; }
  // Sends the worker where it is missing, and starts the relay. `meanwhile`: while that is on its way; its error is
  // this one's. Nothing of the user's has happened after an error.
  Status start(const std::function<Status()>& meanwhile);
  // Sends the part's package and opening; `host` is borrowed like the request. By one thread at a time, in the order in
  // which the parts are waited for. An error: its opening was not sent.
  // `dropped`: it was asked back, and its machine has given it up; called while another part is waited for.
  // `present`: where inputs are there already, by where they are here.
  Result<std::unique_ptr<HandedPart>> hand_over(const RunRequest& request, const Host& host,
                                                std::function<void()> dropped = {},
                                                const std::map<std::string, std::string>& present = {});

 private:
  const SessionContext context_;
  WorkerRelay relay_;
  const HeldMachine::Listening listening_;  // ends first
};

// Puts the worker on a machine of which others are to be made, installs these sets of packages (requirement_set())
// there, and leaves no process. Packages that cannot be installed are said to be missing, which is no error.
Status prepare_parent(const SessionContext& context, std::vector<std::string> requirements);

// A source that holds the bytes already.
std::unique_ptr<ByteStream> bytes_from(std::shared_ptr<const std::string> bytes, uint64_t offset);

}  // namespace osiris::sdk
