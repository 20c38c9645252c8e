// Wakes a thread that waits in poll: the adapter's cancel(), which may come from any thread at any time, early or late,
// reaches a channel through it without a lock. Lives as long as the adapter instance.
#pragma once

#include "protocol/base/fd.h"

namespace osiris::sdk {

class Waker {
 public:
  Waker() = default;
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  // [any thread] Makes fd() readable until drain().
  void wake() const { event_.signal(); }
  void drain() const { event_.drain(); }
  // For poll; -1 when the system had no descriptor left (receive() then notices a cancel by its time-out).
  int fd() const { return event_.get(); }

 private:
  EventDescriptor event_;
};

}  // namespace osiris::sdk
