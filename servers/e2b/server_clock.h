// The control plane's clock: the wall clock's time when the server started, carried on by the steady clock, plus the
// jumps a fault has put in. Setting this machine's clock ends no lease.
#pragma once

#include <atomic>
#include <cstdint>

#include "protocol/base/clock.h"

namespace osiris::e2b_server {

// [any thread]
class ServerClock : public Clock {
 public:
  int64_t unix_ns() const override { return started_ns_ + system_clock().monotonic_ns() + offset_ns_.load(); }
  int64_t monotonic_ns() const override { return system_clock().monotonic_ns(); }
  void jump(int64_t by_ns) { offset_ns_ += by_ns; }

 private:
  const int64_t started_ns_ = unix_from_monotonic(0, system_clock());
  std::atomic<int64_t> offset_ns_{0};
};

}  // namespace osiris::e2b_server
