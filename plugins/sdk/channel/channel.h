// A byte channel to one worker: what an adapter must bring for the run loop (run_loop.h) to run a pipeline with it. The
// local adapter's is a child's pipes, the sandbox adapter's an HTTP stream; the loop cannot tell.
//
// All functions are called from the thread of RunLoop::run. To wake a waiting receive() from another thread (cancel), a
// channel polls the descriptor of the Waker it was made with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocol/base/error.h"

namespace osiris::sdk {

// How a worker ended.
struct ExitInfo {
  enum class Kind {
    kExited,    // with exit status `status`
    kSignaled,  // by signal number `status`
    kLost,      // unknown; `error` says what is known (a machine that vanished, a host that answers no more)
  };
  Kind kind = Kind::kLost;
  int status = 0;
  std::optional<Error> error;  // when set, the run fails with this error instead of the loop's own WorkerCrash
  std::string error_class;     // its name for programs, "SandboxError"; with `error` only

  // "exited with status 3", "was killed by signal 9 (SIGKILL)", "is gone".
  std::string describe() const;
};

// What receive() got: bytes of the worker's stdout and stderr, in pieces of any size.
struct Incoming {
  std::string output;
  std::string log;
  void clear() {
    output.clear();
    log.clear();
  }
};

struct ReceiveOutcome {
  enum class Kind {
    kBytes,    // something is in Incoming
    kTimeout,  // nothing came
    kWoken,    // another thread called Waker::wake()
    kBroken,   // the connection broke, the worker may live on: diagnose() and reopen() come next; `error` says why
    kClosed,   // the worker has ended and all it wrote was received; `exit` says how. Final
  };
  Kind kind = Kind::kTimeout;
  std::optional<Error> error;
  std::optional<ExitInfo> exit;
};

// Why nothing comes.
struct Diagnosis {
  enum class Cause {
    kAlive,    // the worker is there and silent: busy, stopped, or its machine stalls
    kNetwork,  // it cannot be reached: reopen() until the lease ends
    kEnded,    // it ended; `exit` says how
    kGone,     // the place it ran in is gone; `exit` carries the error
  };
  Cause cause = Cause::kAlive;
  std::optional<ExitInfo> exit;
  std::string note;  // for the log, one clause: "the process sleeps", "envd answers 502"
};

class Channel {
 public:
  virtual ~Channel() = default;

  // Queues bytes for the worker's stdin; does not wait for the worker. They may hold secrets: the channel overwrites
  // them once they are sent and keeps them nowhere else.
  virtual Status send(std::string bytes) = 0;

  // Waits at most timeout_ms for something and appends it to `into`. Also moves what send() queued.
  virtual ReceiveOutcome receive(Incoming& into, int64_t timeout_ms) = 0;

  // End of file on the worker's stdin, after what is queued.
  virtual void close_input() = 0;

  // Ends the worker and all it started, at once; receive() reports kClosed soon after.
  virtual void kill() = 0;

  // Called when nothing, heartbeats included, came for a while, or after kBroken. Answers within 5 s.
  virtual Diagnosis diagnose() = 0;

  // Opens the stream again after kBroken. What was written meanwhile may be lost: the loop asks for it by number. An
  // error means "not yet"; the loop tries again with growing pauses until its stall limit.
  virtual Status reopen() { return Error(Code::kUnsupported, "this channel cannot be opened again"); }

  // The worker's record log (session_dir/.worker/records.jsonl) from some place at or before the record `from_seq`, for
  // the records of a worker that ended while the stream was broken. kUnsupported: there is none to be had.
  virtual Result<std::string> fetch_records(uint64_t from_seq) {
    static_cast<void>(from_seq);
    return Error(Code::kUnsupported, "this channel keeps no record log");
  }
};

}  // namespace osiris::sdk
