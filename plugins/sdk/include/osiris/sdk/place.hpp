// osiris/sdk/place.hpp: a service that lends machines, as the SDK wants it in order to hold one for the time of a run.
// Derive from Place and from MachineAccess; RemoteAdapter (<osiris/sdk/remote_adapter.hpp>) does the rest: the intent
// on disk before the first call, doubt about lost answers, the lease, the verified end, machines kept between runs, a
// fresh machine for one that vanished.
//
// All functions are called from any thread, several at a time, and report failure by throwing plugin::Failure. Of its
// detail_json the SDK reads
//
//   "class"          QuotaExceeded, CreationTimeout, SandboxError, WorkerCrash, AuthError, NotFound or NetworkError;
//                    SandboxError where it names none of these
//   "retry_after_s"  whole seconds that the service asked to wait before the next call
//   "category"       of docs/error-categories.md
//
// and passes the rest on to the host. A call that was given up because of a cancel throws OSIRIS_CANCELLED. Questions
// about a failure ask nothing of the service, and neither they nor access() throw.
#pragma once

#include <osiris/sdk/channel.hpp>
#include <osiris/sdk/egress.hpp>
#include <osiris/sdk/files.hpp>
#include <osiris/sdk/service.hpp>

#include <any>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace osiris::adapter_sdk {

using Metadata = std::map<std::string, std::string>;

// Metadata that the SDK gives every machine. By owner and run osiris.resources/1 tells what was left behind.
namespace meta {
inline constexpr const char* kOwner = "osiris_owner";  // who: the id in this user's state directory
inline constexpr const char* kRun = "osiris_run";      // the run id
inline constexpr const char* kToken = "osiris_token";  // one intent to create
inline constexpr const char* kPipeline = "osiris_pipeline";
inline constexpr const char* kWorker = "osiris_worker";  // its hash
inline constexpr const char* kKeep = "osiris_keep";      // the reuse key of a machine that may be kept
}  // namespace meta

// What a machine is made from, and what of ours is in it already.
struct Template {
  std::string id;
  std::string worker_directory;  // where the unpacked worker is (<osiris/sdk/delivery.hpp>); empty: not in it
  std::string cache_directory;   // where packages of steps are; empty: below the run's own directory
  bool found_by_name = false;    // made by an earlier run: should nothing come of it, it is made again
};

// One machine to create.
struct MachineSpec {
  std::string template_id;
  int64_t lease_s = 0;  // after which the service ends the machine by itself, unless the lease is renewed
  Metadata metadata;
  Egress egress;
  // Lower-case letters, digits and hyphens: a service that knows such tokens makes one machine for it, however often it
  // is asked.
  std::string idempotency_token;
};

struct Machine {
  std::string id;
  Metadata metadata;
  bool is_running = true;           // and not paused
  std::string started_at, ends_at;  // RFC 3339, by the service's clock; empty: it does not say
  std::any own;                     // what your place itself needs to reach it
};

// Limits of a call that the SDK repeats itself, in its own time.
struct CallLimits {
  Milliseconds wait{0};                          // for the exchange; 0: as configured
  const std::atomic<bool>* cancelled = nullptr;  // borrowed for the call; null: it cannot be cancelled
};

// What a create that failed may have done all the same.
struct CreateFailure {
  bool leaves_doubt = false;   // it may have made a machine
  bool is_late = false;        // it may still make one
  bool honours_token = false;  // the answer shows that the service knows the idempotency token
  bool is_under_way = false;   // an earlier call with this token is being worked on
  bool lost_outcome = false;   // the service no longer knows what the token's call came to: only another one gets a
                               // machine
};

// A program to start on a machine.
struct StartSpec {
  std::string command;  // absolute
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;  // all of it; no secret is in it
};

// What a process's stream brings, in order: one start, any number of output, one end.
struct ProcessEvent {
  enum class Kind { kStart, kOutput, kLog, kEnd };
  Kind kind = Kind::kStart;
  int64_t pid = 0;    // kStart
  std::string bytes;  // kOutput (its stdout), kLog (its stderr)
  Exit exit;          // kEnd
};

// Used by one thread, but for cancel().
class ProcessStream {
 public:
  virtual ~ProcessStream() = default;
  // The next event; nothing when none came within `wait`. A failure means that the stream is over without an end event:
  // the process may live on.
  virtual std::optional<ProcessEvent> next(Milliseconds wait) = 0;
  // [any thread] A next() under way returns or throws soon. Must not throw.
  virtual void cancel() = 0;
};

// One file of an upload: `write` is to be called once. It hands the bytes to the sink, in order, until the sink returns
// false; it throws when they cannot be had, and that failure is to leave the upload as it is.
struct UploadPart {
  std::string path;  // absolute, on the machine
  std::function<void(const FileChannel::Sink&)> write;
};

// Files and processes of one machine.
class MachineAccess {
 public:
  virtual ~MachineAccess() = default;

  // Carries every part in one request, as the parts are made. Returns the bytes sent. Not to be repeated: a part cannot
  // be made twice. A broken upload leaves truncated files, so what is used is verified by hash. `opened` is to be
  // called once the upload is under way.
  virtual uint64_t upload(std::vector<UploadPart> parts, const std::atomic<bool>& cancelled,
                          const std::function<void()>& opened) = 0;
  // A file's bytes from `offset` on. `operation`: what it is for, as messages name it ("download the artifacts").
  virtual std::unique_ptr<ByteSource> download(const std::string& path, uint64_t offset,
                                               const std::string& operation) = 0;

  // Returns at once: whether it started is the stream's first event.
  virtual std::unique_ptr<ProcessStream> start(const StartSpec& spec) = 0;
  // The stream of a process that runs already; its first event is a start again.
  virtual std::unique_ptr<ProcessStream> connect(int64_t pid) = 0;
  // Returns once the process's pipe took it; calls of one thread keep their order. What is sent may hold secrets: no
  // copy of it may stay in memory or in a log of the service's.
  virtual void send_input(int64_t pid, std::string_view bytes, const std::atomic<bool>& cancelled) = 0;
  // Ends the process, not what it started. One that is gone already is success.
  virtual void kill(int64_t pid) = 0;

  // The next two answer within 2 s each, whatever the network does: the pids of the processes that live; and whether
  // the daemon answers (true), or the service says that the machine is not there (false).
  virtual std::vector<int64_t> list() = 0;
  virtual bool is_alive() = 0;

  // What failures of the calls above say: of connect(), that there is no such process any more; of send_input(), that
  // the process has ended or is about to.
  virtual bool is_unknown_process(const plugin::Failure& failure) const = 0;
  virtual bool is_input_closed(const plugin::Failure& failure) const = 0;
};

class Place {
 public:
  virtual ~Place() = default;

  virtual const ServiceDescription& service() const = 0;  // lives as long as the place
  // The home directory of the user that processes run as.
  virtual std::string home() const = 0;
  // The limit of one call as configured.
  virtual Milliseconds request_timeout() const = 0;
  // Calls made so far.
  virtual uint64_t calls() const = 0;

  // Not to be repeated after a failure: the SDK does that, by what classify_create_failure() says of it. A create that
  // is under way when the run is cancelled may end: what it makes can then be killed at once, and not only when its
  // lease is over.
  virtual Machine create(const MachineSpec& wanted, const CallLimits& limits) = 0;
  virtual CreateFailure classify_create_failure(const plugin::Failure& failure) const = 0;
  // Whether the service may know idempotency tokens: false once it has shown that it does not.
  virtual bool may_honour_tokens() const = 0;
  // Of create(): whether the template is at fault, as an earlier build that broke half way leaves one.
  virtual bool is_template_failure(const plugin::Failure& failure) const = 0;

  // Every machine with all of this metadata.
  virtual std::vector<Machine> find(const Metadata& metadata) = 0;
  // Takes a running machine over: it lives for lease_s from now on.
  virtual Machine take_over(const std::string& id, int64_t lease_s) = 0;
  virtual Machine look(const std::string& id, const CallLimits& limits) = 0;
  // Sets the end of life to now + lease_s, or to what the service allows: the answer need not say which.
  virtual void renew(const std::string& id, int64_t lease_s, const CallLimits& limits) = 0;
  // Of renew(): the machine's life is at the end that the service allows.
  virtual bool is_end_of_life(const plugin::Failure& failure) const = 0;
  // For people, after such an end: how a run may come through. Lives as long as the place.
  virtual std::string_view short_life_hint() const = 0;
  // A machine that is gone already is success.
  virtual void kill(const std::string& id, const CallLimits& limits) = 0;
  // Of kill() and is_gone(): the service understood and refused.
  virtual bool is_refusal(const plugin::Failure& failure) const = 0;
  // Proof that a machine is no more: false as long as the service may still know it.
  virtual bool is_gone(const std::string& id, const CallLimits& limits) = 0;

  // Of any call: the same call may well succeed later.
  virtual bool may_pass(const plugin::Failure& failure) const { return failure.code() == OSIRIS_UNAVAILABLE; }
  // The hint of the SDK's own failures of this class ("NetworkError", ...), where it has none that fits better.
  virtual std::string hint(std::string_view /*failure_class*/) const { return {}; }

  // The rules of a create as JSON, for people and files: without passwords.
  virtual std::string shown_rules(const Egress& egress) const = 0;
  // Borrows the place. `stall_limit`: how long a call on which the run depends may stall.
  virtual std::unique_ptr<MachineAccess> access(const Machine& machine, Milliseconds stall_limit) = 0;
};

// Kills and asks until the service says that the machine is gone: whatever goes wrong is tried again, refusals a few
// times only, no longer than `budget`. Goes on after a cancel. Throws what kept it. For osiris.resources/1.
void kill_and_verify(Place& place, const std::string& id, Milliseconds budget);

}  // namespace osiris::adapter_sdk
