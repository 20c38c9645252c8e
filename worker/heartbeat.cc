#include "worker/heartbeat.h"

namespace osiris::worker {

HeartbeatThread::HeartbeatThread(std::chrono::milliseconds every, std::function<void()> beat) {
  thread_ = std::thread([this, every, beat = std::move(beat)] {
    std::unique_lock lock(mutex_);
    while (!stop_.wait_for(lock, every, [this] { return stopping_; })) {
      lock.unlock();
      beat();
      lock.lock();
    }
  });
}

HeartbeatThread::~HeartbeatThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  thread_.join();
}

}  // namespace osiris::worker
