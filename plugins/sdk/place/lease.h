// Keeps a machine alive while this process lives: renews its end of life every third of a lease, from a thread of its
// own. A host that is killed renews nothing, so a forgotten machine costs one lease at most.
//
// A service ends machines at some age, whatever is asked for (lifetime.h). After every second renewal, the first one
// included, the service is asked for the machine's end: at least once within the last lease of its life.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "plugins/sdk/place/lifetime.h"
#include "plugins/sdk/place/place.h"
#include "protocol/base/clock.h"

namespace osiris::sdk {

// Who hears of what, each from the lease's thread.
struct LeaseListener {
  // Once: the service says that the machine is no more, or the lease ran out without a renewal.
  std::function<void(const Error&)> lost;
  // Once: the service will end the machine in left_s at most, before any lease of ours does.
  std::function<void(const Lifetime::Limit&, int64_t left_s)> limited;
  std::function<void(const std::string&)> log;
};

// What a lease does each time it is due, and when that is; without a thread and by any clock.
class LeaseRenewal {
 public:
  // Borrows the place and the clock.
  LeaseRenewal(Place& place, std::string machine_id, int64_t lease_s, std::optional<Lifetime::CreateTimes> create_times,
               LeaseListener listener, const Clock& clock);

  Milliseconds first_pause() const { return third_; }
  // Renews once. How long to wait before the next time; nullopt: there is nothing to renew any more, and `lost` has
  // heard it, or stop() was called. From one thread.
  std::optional<Milliseconds> renew();
  // A call under way ends. [any thread]
  void stop() { stopped_ = true; }
  // When the last renewal that worked will run out. [any thread]
  int64_t expires_monotonic_ns() const;
  // The service's age limit, if the machine has reached it by now. [any thread]
  std::optional<Lifetime::Limit> limit_reached() const;

 private:
  void look(int64_t asked_ns, int64_t lease_ns);
  std::optional<Milliseconds> go_without();
  bool is_gone_for_sure() const;

  Place& place_;
  const std::string machine_id_;
  const int64_t lease_ns_;
  const Milliseconds third_;
  const LeaseListener listener_;
  const Clock& clock_;
  std::atomic<bool> stopped_{false};
  int renewals_ = 0;  // this and the next: of the thread that renews
  bool told_ = false;
  mutable std::mutex mutex_;
  int64_t expires_ns_;  // under mutex_, as what follows
  Lifetime lifetime_;
};

class Lease {
 public:
  // Borrows the place. kExhausted: the machine that this process runs on has no more threads.
  static Result<std::unique_ptr<Lease>> begin(Place& place, std::string machine_id, int64_t lease_s,
                                              std::optional<Lifetime::CreateTimes> create_times,
                                              LeaseListener listener);
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  // Stops renewing, a renewal under way included; idempotent. The machine lives on for what is left of its lease.
  void stop();
  int64_t expires_monotonic_ns() const { return renewal_.expires_monotonic_ns(); }
  std::optional<Lifetime::Limit> limit_reached() const { return renewal_.limit_reached(); }

 private:
  Lease(Place& place, std::string machine_id, int64_t lease_s, std::optional<Lifetime::CreateTimes> create_times,
        LeaseListener listener);
  void run();

  LeaseRenewal renewal_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace osiris::sdk
