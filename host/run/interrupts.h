// Ctrl-C, SIGTERM, SIGHUP and the run's deadline, turned into two calls on an ordinary thread.
//
// Nothing happens in a signal handler: the signals are blocked and read from a signalfd. The first one (or the
// deadline) asks the run to stop, the next one leaves at once, and so does the end of the grace in which nothing moved.
// A signal that was ignored when osiris started (nohup) stays ignored.
#pragma once

#include <signal.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "protocol/base/error.h"
#include "protocol/base/fd.h"

namespace osiris {

enum class StopReason { kNone = 0, kCancelled = 1, kDeadline = 2 };

// Why what was stopped is left behind.
enum class LeaveReason { kInsisted, kGraceOver };

class Interrupts {
 public:
  struct Actions {
    // At most once, on a thread of its own: it may block without making osiris deaf.
    std::function<void(StopReason)> stop;
    // Not expected to return. On the thread that reads the signals.
    std::function<void(StopReason, LeaveReason)> leave;
    // When what is being stopped last did something (CLOCK_MONOTONIC); empty: it never does.
    std::function<int64_t()> moved_ns;
  };

  // Blocks the signals in the calling thread, so construct it before starting any thread that should not receive them.
  // deadline_monotonic_ns (CLOCK_MONOTONIC) 0: none. grace_ns: after `stop`, how long nothing may move; 0: for ever.
  static Result<std::unique_ptr<Interrupts>> start(Actions actions, int64_t deadline_monotonic_ns = 0,
                                                   int64_t grace_ns = 0);
  // Waits for `stop` to return, signals still being read; then joins the thread and restores the signal mask. Signals
  // that arrived unread are dropped: the run is over.
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  StopReason reason() const { return reason_.load(); }

 private:
  Interrupts(Actions actions, int64_t deadline_ns, int64_t grace_ns)
      : actions_(std::move(actions)), deadline_ns_(deadline_ns), grace_ns_(grace_ns) {}
  void watch();
  void stop(StopReason reason);
  // The next moment that is due by itself; 0: none.
  int64_t next_ns() const;

  const Actions actions_;
  const int64_t deadline_ns_, grace_ns_;
  std::atomic<StopReason> reason_{StopReason::kNone};
  int64_t stopped_ns_ = 0;
  sigset_t signals_{}, mask_before_{};
  FileDescriptor signal_fd_;
  EventDescriptor quit_;
  std::thread thread_;
  std::mutex stopper_mutex_;
  std::thread stopper_;  // runs actions_.stop
};

}  // namespace osiris
