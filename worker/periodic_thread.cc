#include "worker/periodic_thread.h"

#include <utility>

#include "protocol/base/thread.h"

namespace osiris::worker {

Result<std::unique_ptr<PeriodicThread>> PeriodicThread::begin(std::chrono::milliseconds every,
                                                              std::function<void()> work) {
  std::unique_ptr<PeriodicThread> self(new PeriodicThread);
  const bool has_begun = begin_thread(self->thread_, [raw = self.get(), every, work = std::move(work)] {
    std::unique_lock lock(raw->mutex_);
    while (!raw->stop_.wait_for(lock, every, [raw] { return raw->stopping_; })) {
      lock.unlock();
      work();
      lock.lock();
    }
  });
  if (!has_begun) return no_more_threads("the worker cannot watch its run");
  return self;
}

PeriodicThread::~PeriodicThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  if (thread_.joinable()) thread_.join();
}

}  // namespace osiris::worker
