// The places of osiris/sdk/place.hpp as the sdk itself uses them: errors are values, documents are Json. An adapter's
// place becomes one of these in plugins/sdk/api/place.h; held_machine.h and remote_adapter.h stand on it.
#pragma once

#include <osiris/sdk/clones.hpp>
#include <osiris/sdk/place.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/sdk/channel/remote_process.h"
#include "plugins/sdk/package/delivery.h"
#include "plugins/sdk/place/egress.h"

namespace osiris::sdk {

using adapter_sdk::CallLimits;
using adapter_sdk::CreateFailure;
using adapter_sdk::Machine;
using adapter_sdk::MachineSpec;
using adapter_sdk::Metadata;
using adapter_sdk::Template;
using adapter_sdk::Verdict;
namespace meta = adapter_sdk::meta;

// Files and processes of one machine. [any thread]
class MachineAccess : public RemoteProcesses {
 public:
  // Carries every part in one request, as the parts are made. Returns the bytes sent. Not retried: a part cannot be
  // made twice. A broken upload leaves truncated files, so callers verify what they use by hash. `opened` is called
  // once it is under way.
  virtual Result<uint64_t> upload(std::vector<UploadPart> parts, const std::atomic<bool>& cancelled,
                                  std::function<void()> opened) = 0;
  // A file's bytes from `offset` on. `operation`: what it is for, as messages name it ("fetch the artifacts").
  virtual std::unique_ptr<ByteStream> download(const std::string& path, uint64_t offset, std::string operation) = 0;
};

// [any thread]
class Place {
 public:
  virtual ~Place() = default;

  virtual const Service& service() const = 0;
  // The home directory of the user that processes run as.
  virtual std::string home() const = 0;
  // The limit of one call as configured.
  virtual Milliseconds request_timeout() const = 0;
  // Calls made so far.
  virtual uint64_t calls() const = 0;

  // Not repeated after a failure: that is creation.h's, by what classify_create_failure() says of it. A create that is
  // under way when the run is cancelled may end: what it makes can then be killed at once, and not only when its lease
  // is over.
  virtual Result<Machine> create(const MachineSpec& wanted, const CallLimits& limits) = 0;
  virtual CreateFailure classify_create_failure(const Error& create_error) const = 0;
  // Whether the service may know idempotency tokens: false once it has shown that it does not.
  virtual bool may_honour_tokens() const = 0;
  // Whether the template is at fault, as an earlier build that broke half way leaves one.
  virtual bool is_template_failure(const Error& create_error) const = 0;

  // Every machine with this metadata.
  virtual Result<std::vector<Machine>> find(const Metadata& metadata) = 0;
  // Takes a running machine over: it lives for lease_s from now on.
  virtual Result<Machine> take_over(const std::string& id, int64_t lease_s) = 0;
  virtual Result<Machine> look(const std::string& id, const CallLimits& limits) = 0;
  // What may be asked for by renew(), at most wanted_s; 0: nothing more than the machine has. A place that keeps to a
  // budget allows less than wanted, or, for the last lease, a little more.
  virtual int64_t affordable_lease_s(const std::string&, int64_t wanted_s) const { return wanted_s; }
  // Sets the end of life to now + lease_s, or to what the service allows: the answer does not say which.
  virtual Status renew(const std::string& id, int64_t lease_s, const CallLimits& limits) = 0;
  // Of renew(): the machine's life is at the end that the service allows.
  virtual bool is_end_of_life(const Error& renew_error) const = 0;
  // For people, after such an end: how a run may come through.
  virtual std::string_view short_life_hint() const = 0;
  // A machine that is gone already is success.
  virtual Status kill(const std::string& id, const CallLimits& limits) = 0;
  // Of kill() and is_gone(): the service understood and refused.
  virtual bool is_refusal(const Error& error) const = 0;
  virtual Result<bool> is_gone(const std::string& id, const CallLimits& limits) = 0;

  // Machines of a machine (osiris/sdk/clones.hpp). 0: this service makes none.
  virtual size_t clones_max() const { return 0; }
  virtual Result<std::vector<Result<Machine>>> clone(const Machine&, size_t, int64_t, const CallLimits&) {
    return Error(Code::kUnsupported, "this service makes no machine of another one");
  }
  virtual bool is_clone_unsupported(const Error& clone_error) const { return clone_error.code == Code::kUnsupported; }
  virtual Result<Verdict> verify(const std::string&, const MachineSpec&, const CallLimits&) { return Verdict(); }

  // The rules of a create, for people and files: without passwords.
  virtual Json shown_rules(const Egress& egress) const = 0;
  // `stall_limit`: how long a call on which the run depends may stall.
  virtual std::unique_ptr<MachineAccess> access(const Machine& machine, Milliseconds stall_limit) = 0;
};

// Kills and asks until the service says that the machine is gone. Whatever goes wrong is tried again, refusals a few
// times only, no longer than `budget`. Cleaning up goes on after a cancel, so its waits cannot be cancelled; tests
// bring their own `sleep`.
void sleep_uninterrupted(Milliseconds wait);
Status kill_and_verify(Place& place, const std::string& id, Milliseconds budget,
                       const std::function<void(Milliseconds)>& sleep = sleep_uninterrupted);

}  // namespace osiris::sdk
