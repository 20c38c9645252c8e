#include "worker/drivers/db/cancel_watch.h"

namespace osiris::worker::db {

CancelWatch::CancelWatch(StepContext& context, Deadline& deadline)
    : thread_([this, &context, &deadline] {
        constexpr std::chrono::milliseconds kPoll(50);
        std::unique_lock lock(mutex_);
        while (!ended_.wait_for(lock, kPoll, [this] { return is_over_; })) {
          if (!context.is_cancelled()) continue;
          deadline.cancel();
          return;
        }
      }) {}

CancelWatch::~CancelWatch() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  ended_.notify_all();
  thread_.join();
}

}  // namespace osiris::worker::db
