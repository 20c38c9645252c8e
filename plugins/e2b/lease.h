// Keeps a sandbox alive while this process lives: renews its end of life every third of a lease, from a thread of its own.
// A host that is killed renews nothing, so a forgotten sandbox costs one lease at most.
//
// A plan ends sandboxes at some age, whatever is asked for (lifetime.h). After every second renewal, the first one included, the service
// is asked for the sandbox's end: at least once within the last lease of its life.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "plugins/e2b/api/control_plane.h"
#include "plugins/sdk/place/lifetime.h"

namespace osiris::e2b {

// Who hears of what, each from the lease's thread.
struct LeaseListener {
  // Once: the service says that the sandbox is no more, or the lease ran out without a renewal.
  std::function<void(const Error&)> lost;
  // Once: the plan will end the sandbox in left_s at most, before any lease of ours does.
  std::function<void(const sdk::Lifetime::Limit&, int64_t left_s)> limited;
  std::function<void(const std::string&)> log;
};

class Lease {
 public:
  Lease(ApiClient& api, std::string sandbox_id, int64_t lease_s, std::optional<sdk::Lifetime::Birth> birth, LeaseListener listener);
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  // Stops renewing, a renewal under way included; idempotent. The sandbox lives on for what is left of its lease.
  void stop();
  // When the last renewal that worked will run out.
  int64_t expires_monotonic_ns() const;
  // The plan's limit, if the sandbox has come to it by now. [any thread]
  std::optional<sdk::Lifetime::Limit> limit_reached() const;

 private:
  void run();
  void look(int64_t asked_ns);
  bool is_gone_for_sure() const;

  ApiClient& api_;
  const std::string sandbox_id_;
  const int64_t lease_s_;
  const LeaseListener listener_;
  mutable std::mutex mutex_;
  std::condition_variable stopping_;
  std::atomic<bool> stopped_{false};
  int64_t expires_ns_;
  sdk::Lifetime lifetime_;
  bool told_ = false;
  std::thread thread_;
};

}  // namespace osiris::e2b
