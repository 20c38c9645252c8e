// Keeps a sandbox alive while this process lives: renews its end of life every third of a lease, from a thread of its own.
// A host that is killed renews nothing, so a forgotten sandbox costs one lease at most.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "plugins/e2b/control_plane.h"

namespace osiris::e2b {

class Lease {
 public:
  // `lost` is called from that thread, once, when the service says that the sandbox
  // is no more, or when the lease ran out without a renewal.
  Lease(ApiClient& api, std::string sandbox_id, int64_t lease_s, std::function<void(const Error&)> lost,
        std::function<void(const std::string&)> log);
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  // Stops renewing, a renewal under way included; idempotent. The sandbox lives on for what is left of its lease.
  void stop();
  // When the last renewal that worked will run out.
  int64_t expires_monotonic_ns() const;

 private:
  void run();
  bool is_gone_for_sure() const;

  ApiClient& api_;
  const std::string sandbox_id_;
  const int64_t lease_s_;
  const std::function<void(const Error&)> lost_;
  const std::function<void(const std::string&)> log_;
  mutable std::mutex mutex_;
  std::condition_variable stopping_;
  std::atomic<bool> stopped_{false};
  int64_t expires_ns_;
  std::thread thread_;
};

}  // namespace osiris::e2b
