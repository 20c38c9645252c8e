// Ctrl-C, SIGTERM, SIGHUP and the run's deadline, turned into two calls on an ordinary thread.
//
// Nothing happens in a signal handler: the signals are blocked and read from a signalfd. The first one (or the
// deadline) asks the run to stop, the next one leaves at once. A signal that was ignored when osiris started (nohup)
// stays ignored.
#pragma once

#include <signal.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "protocol/base/error.h"
#include "protocol/base/fd.h"

namespace osiris {

enum class StopReason { kNone = 0, kCancelled = 1, kDeadline = 2 };

class Interrupts {
 public:
  struct Actions {
    std::function<void(StopReason)> stop;  // at most once
    std::function<void()> leave;           // a signal after that; not expected to return
  };

  // Blocks the signals in the calling thread, so construct it before starting any thread that should not receive them.
  // deadline_monotonic_ns (CLOCK_MONOTONIC) 0: none. `actions` run on the object's own thread.
  static Result<std::unique_ptr<Interrupts>> start(Actions actions, int64_t deadline_monotonic_ns = 0);
  // Joins the thread and restores the signal mask. Signals that arrived unread are dropped: the run is over.
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  StopReason reason() const { return reason_.load(); }

 private:
  Interrupts(Actions actions, int64_t deadline_ns) : actions_(std::move(actions)), deadline_ns_(deadline_ns) {}
  void watch();

  const Actions actions_;
  const int64_t deadline_ns_;
  std::atomic<StopReason> reason_{StopReason::kNone};
  sigset_t signals_{}, mask_before_{};
  FileDescriptor signal_fd_;
  EventDescriptor quit_;
  std::thread thread_;
};

}  // namespace osiris
