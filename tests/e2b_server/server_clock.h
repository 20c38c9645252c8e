// The control plane's clock: the machine's, plus the jumps a fault has put in.
#pragma once

#include <atomic>
#include <cstdint>

#include "protocol/base/clock.h"

namespace osiris::e2b_server {

// [any thread]
class ServerClock : public Clock {
 public:
  int64_t unix_ns() const override { return system_clock().unix_ns() + offset_ns_.load(); }
  int64_t monotonic_ns() const override { return system_clock().monotonic_ns(); }
  void jump(int64_t by_ns) { offset_ns_ += by_ns; }

 private:
  std::atomic<int64_t> offset_ns_{0};
};

}  // namespace osiris::e2b_server
