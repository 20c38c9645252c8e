// A thread of its own that does something at a fixed rate, whatever the steps do: heartbeats, giving memory back.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "protocol/base/error.h"

namespace osiris::worker {

class PeriodicThread {
 public:
  // `work` runs on the thread, for the first time after `every`. kExhausted: the machine has no more threads.
  static Result<std::unique_ptr<PeriodicThread>> begin(std::chrono::milliseconds every, std::function<void()> work);
  ~PeriodicThread();
  PeriodicThread(const PeriodicThread&) = delete;
  PeriodicThread& operator=(const PeriodicThread&) = delete;

 private:
  PeriodicThread() = default;

  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace osiris::worker
