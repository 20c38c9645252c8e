// How a running step is watched and stopped from outside. The step's thread reads; any thread may stop it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "worker/database/database.h"

namespace osiris::worker {

enum class Stop { kNone, kCancelled, kTimeout, kOtherFailed };

class StepControl {
 public:
  std::atomic<uint64_t> rows{0}, bytes{0};
  std::atomic<uint64_t> rows_total{0}, bytes_total{0};  // 0: unknown
  std::atomic<int64_t> attempt_deadline_ns{0};          // monotonic; 0: none

  Stop stopped() const { return stop_.load(); }

  // The first reason stays; the engine is interrupted each time, for an interrupt that comes between two statements is
  // lost on the next.
  void stop(Stop reason) {
    Stop none = Stop::kNone;
    stop_.compare_exchange_strong(none, reason);
    const std::lock_guard lock(mutex_);
    if (database_) database_->interrupt();
    changed_.notify_all();
  }

  // A step's next attempt begins: its own timeout is forgotten, other reasons to stop are not.
  void forget_timeout() {
    Stop timeout = Stop::kTimeout;
    stop_.compare_exchange_strong(timeout, Stop::kNone);
  }

  void set_database(StepDatabase* database) {
    const std::lock_guard lock(mutex_);
    database_ = database;
  }

  // Waits, or less if the step is stopped.
  void pause(std::chrono::nanoseconds time) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, time, [this] { return stopped() != Stop::kNone; });
  }

 private:
  std::atomic<Stop> stop_{Stop::kNone};
  std::mutex mutex_;
  std::condition_variable changed_;
  StepDatabase* database_ = nullptr;
};

}  // namespace osiris::worker
