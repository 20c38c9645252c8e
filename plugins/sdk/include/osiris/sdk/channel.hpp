// osiris/sdk/channel.hpp: bytes to and from one worker, wherever it runs. <osiris/sdk/process.hpp> has the channel to a
// child process; an adapter that reaches its worker in another way derives from ByteChannel.
#pragma once

#include <osiris/host.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace osiris::adapter_sdk {

using Milliseconds = std::chrono::milliseconds;

// Wakes a thread that waits in receive(): poll fd() beside your own descriptors. Owned by WorkerRun.
class Waker {
 public:
  Waker();
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  void wake() const noexcept;  // [any thread] fd() is readable from now on
  int fd() const noexcept;     // -1: the system had no descriptor left, and cancels are noticed by time
  struct Parts;
  const Parts& parts() const noexcept { return *parts_; }

 private:
  std::unique_ptr<Parts> parts_;
};

// How a worker ended.
struct Exit {
  enum class Kind { kExited, kSignaled, kLost };
  Kind kind = Kind::kLost;
  int status = 0;                          // exit status, or the signal's number
  std::optional<plugin::Failure> failure;  // kLost: what is known; the run fails with it
};

// What receive() came back with.
struct Received {
  enum class Kind {
    kBytes,    // something was appended
    kTimeout,  // nothing came
    kWoken,    // the waker was woken
    kBroken,   // the connection broke, the worker may live on: health() and reopen() come next. `reason` says why
    kClosed,   // the worker has ended and all it wrote was received; `exit` says how. Final
  };
  Kind kind = Kind::kTimeout;
  std::string reason;
  Exit exit;
};

// Why nothing comes.
struct Health {
  enum class Kind {
    kAlive,        // it is there and silent
    kUnreachable,  // reopen() until the stall limit
    kEnded,        // it ended; `exit` says how
    kGone,         // the place it ran in is gone; `exit` carries the failure
  };
  Kind kind = Kind::kAlive;
  Exit exit;
  std::string note;  // one clause for the log: "the process sleeps"
};

// All functions are called from the thread of WorkerRun::run_here or run_elsewhere, and may throw plugin::Failure.
class ByteChannel {
 public:
  virtual ~ByteChannel() = default;

  // Queues bytes for the worker's stdin; does not wait for the worker. They may hold secrets: overwrite them once they
  // are sent, keep them nowhere else.
  virtual void send(std::string bytes) = 0;
  // Waits at most `wait` for something and appends it: the worker's stdout to `output`, its stderr to `log`. Also moves
  // what send() queued.
  virtual Received receive(std::string& output, std::string& log, Milliseconds wait) = 0;
  // End of file on the worker's stdin, after what is queued.
  virtual void close_input() = 0;
  // Ends the worker and all that it started, at once; receive() reports kClosed soon after.
  virtual void kill() = 0;
  // Called when nothing, heartbeats included, came for a while, or after kBroken. Answers within 5 s.
  virtual Health health() = 0;
  // Opens the stream again after kBroken. False: not yet; it is tried again, with growing pauses, until the stall
  // limit. What was written meanwhile may be lost: it is asked for by number.
  virtual bool reopen() { return false; }
  // The worker's records (<session>/.worker/records.jsonl), of a worker that ended while the stream was broken.
  virtual std::optional<std::string> fetch_records() { return std::nullopt; }
};

}  // namespace osiris::adapter_sdk
