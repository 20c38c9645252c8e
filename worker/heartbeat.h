// A thread of its own that says "alive" at a fixed rate, with memory, CPU time, spill and rows so far, whatever the
// steps do.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "protocol/rpc/messages.h"

namespace osiris::worker {

class HeartbeatThread {
 public:
  // `beat` fills in and sends one; it runs on the thread.
  HeartbeatThread(std::chrono::milliseconds every, std::function<void()> beat);
  ~HeartbeatThread();
  HeartbeatThread(const HeartbeatThread&) = delete;
  HeartbeatThread& operator=(const HeartbeatThread&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace osiris::worker
