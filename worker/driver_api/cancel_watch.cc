#include "worker/driver_api/cancel_watch.h"

#include <chrono>
#include <utility>

namespace osiris::worker {

CancelWatch::CancelWatch(StepContext& context, std::function<void()> cancel)
    : has_begun_(begin_thread(thread_, [this, &context, cancel = std::move(cancel)] {
        constexpr std::chrono::milliseconds kPoll(20);
        std::unique_lock lock(mutex_);
        while (!ended_.wait_for(lock, kPoll, [this] { return is_over_; })) {
          if (!context.is_cancelled()) continue;
          cancel();
          return;
        }
      })) {}

CancelWatch::~CancelWatch() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  ended_.notify_all();
  if (has_begun_) thread_.join();
}

}  // namespace osiris::worker
