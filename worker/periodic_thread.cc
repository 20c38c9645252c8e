#include "worker/periodic_thread.h"

namespace osiris::worker {

PeriodicThread::PeriodicThread(std::chrono::milliseconds every, std::function<void()> work) {
  thread_ = std::thread([this, every, work = std::move(work)] {
    std::unique_lock lock(mutex_);
    while (!stop_.wait_for(lock, every, [this] { return stopping_; })) {
      lock.unlock();
      work();
      lock.lock();
    }
  });
}

PeriodicThread::~PeriodicThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  thread_.join();
}

}  // namespace osiris::worker
