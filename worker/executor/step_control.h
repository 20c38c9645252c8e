// How a running step is watched and stopped from outside. The step's thread reads; any thread may stop it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

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
    for (StepControl* part : parts_) part->stop(reason);
  }

  // Stops what is out of time, and interrupts again what is stopped.
  void look(int64_t now_ns) {
    const int64_t deadline_ns = attempt_deadline_ns;
    if (deadline_ns && deadline_ns <= now_ns) stop(Stop::kTimeout);
    if (const Stop reason = stopped(); reason != Stop::kNone) stop(reason);
    const std::lock_guard lock(mutex_);
    for (StepControl* part : parts_) part->look(now_ns);
  }

  // Shards of the step that run, each with a control of its own: what stops the step stops them.
  void add(StepControl& part) {
    const std::lock_guard lock(mutex_);
    parts_.push_back(&part);
    if (const Stop reason = stopped(); reason != Stop::kNone) part.stop(reason);
  }
  void remove(StepControl& part) {
    const std::lock_guard lock(mutex_);
    std::erase(parts_, &part);
  }
  // Those of the shards that run included.
  uint64_t rows_so_far() {
    const std::lock_guard lock(mutex_);
    uint64_t all = rows;
    for (const StepControl* part : parts_) all += part->rows;
    return all;
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
  std::vector<StepControl*> parts_;
};

}  // namespace osiris::worker
