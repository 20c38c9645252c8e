// Calls a function once the step is cancelled, for as long as it lives: the driver's own threads are in the engine, or
// wait for a server.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "protocol/base/thread.h"
#include "worker/driver_api/driver.h"

namespace osiris::worker {

class CancelWatch {
 public:
  // `cancel` is called at most once, on a thread of this one's.
  CancelWatch(StepContext& context, std::function<void()> cancel);
  // kExhausted: the machine has no more threads, and `cancel` is not called.
  Status begun() const { return has_begun_ ? Status() : no_more_threads("a cancel could not be heard"); }
  ~CancelWatch();
  CancelWatch(const CancelWatch&) = delete;
  CancelWatch& operator=(const CancelWatch&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool is_over_ = false;
  std::thread thread_;
  bool has_begun_;
};

}  // namespace osiris::worker
