// Cancels a Deadline once the step is cancelled, for as long as it lives: a writer's own thread is in the engine, which
// calls it with rows, or in a wait on the server.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "worker/driver_api/driver.h"
#include "worker/drivers/db/deadline.h"

namespace osiris::worker::db {

class CancelWatch {
 public:
  CancelWatch(StepContext& context, Deadline& deadline);
  ~CancelWatch();
  CancelWatch(const CancelWatch&) = delete;
  CancelWatch& operator=(const CancelWatch&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool is_over_ = false;
  std::thread thread_;
};

}  // namespace osiris::worker::db
