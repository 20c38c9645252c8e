#include "plugins/sdk/place/lease.h"

#include <algorithm>
#include <utility>

#include "protocol/base/clock.h"

namespace osiris::sdk {

Lease::Lease(Place& place, std::string machine_id, int64_t lease_s, std::optional<Lifetime::Birth> birth, LeaseListener listener)
    : place_(place),
      machine_id_(std::move(machine_id)),
      lease_s_(lease_s),
      listener_(std::move(listener)),
      expires_ns_(system_clock().monotonic_ns() + lease_s * 1'000'000'000),
      lifetime_(birth),
      thread_([this] { run(); }) {}

Lease::~Lease() { stop(); }

void Lease::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  stopping_.notify_all();
  if (thread_.joinable()) thread_.join();
}

int64_t Lease::expires_monotonic_ns() const {
  const std::lock_guard lock(mutex_);
  return expires_ns_;
}

std::optional<Lifetime::Limit> Lease::limit_reached() const {
  const std::lock_guard lock(mutex_);
  return lifetime_.is_over(system_clock().monotonic_ns()) ? lifetime_.limit() : std::nullopt;
}

// What the service makes of a renewal. An answer that does not come is asked for again after a later one.
void Lease::look(int64_t asked_ns) {
  constexpr Milliseconds kPatience{5'000};
  const auto machine = place_.look(machine_id_, {.wait = std::min(kPatience, place_.request_timeout()), .cancelled = &stopped_});
  if (!machine) return;
  std::optional<Lifetime::Limit> limit;
  {
    const std::lock_guard lock(mutex_);
    lifetime_.look(machine->started_at, machine->ends_at, asked_ns, lease_s_ * 1'000'000'000);
    limit = lifetime_.limit();
  }
  if (!limit || std::exchange(told_, true)) return;
  listener_.limited(*limit, std::max<int64_t>(0, (limit->latest_ns - system_clock().monotonic_ns()) / 1'000'000'000));
}

void Lease::run() {
  const auto third = std::chrono::milliseconds(lease_s_ * 1000 / 3);
  constexpr std::chrono::milliseconds kAgain{1000};
  auto pause = third;
  int renewals = 0;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (stopping_.wait_for(lock, pause, [this] { return stopped_.load(); })) return;
    }
    // The new end counts from when the service handled the call, which is after this moment. One that hangs leaves time for another.
    const int64_t asked_ns = system_clock().monotonic_ns();
    const Status renewed = place_.renew(machine_id_, lease_s_, {.wait = std::min(std::max(third / 2, kAgain), place_.request_timeout()), .cancelled = &stopped_});
    if (stopped_) return;
    if (renewed.ok()) {
      {
        const std::lock_guard lock(mutex_);
        expires_ns_ = asked_ns + lease_s_ * 1'000'000'000;
      }
      if (renewals++ % 2 == 0) look(asked_ns);
      pause = std::max(std::chrono::milliseconds(0),
                       third - std::chrono::milliseconds((system_clock().monotonic_ns() - asked_ns) / 1'000'000));
      continue;
    }
    const Error& error = renewed.error();
    const Service& service = place_.service();
    const std::string noun(service.noun());
    if (place_.says_life_is_over(error)) {
      const std::lock_guard lock(mutex_);
      lifetime_.refused(system_clock().monotonic_ns());
    }
    if (service.class_of(error) == FailureClass::kNotFound && is_gone_for_sure()) {
      listener_.lost(service.failure(FailureClass::kSandboxError, noun + " " + machine_id_ + " is gone: " + error.message,
                         "It was killed from outside or its service lost it; run again."));
      return;
    }
    if (system_clock().monotonic_ns() >= expires_monotonic_ns()) {
      const auto detail = parse_json(error.detail);
      listener_.lost(service.failure(service.class_of(error), "the lease of " + noun + " " + machine_id_ + " ran out because it could not be renewed: " + error.message,
                         "", detail ? *detail : Json::object()));
      return;
    }
    listener_.log("the lease could not be renewed yet: " + error.message);
    pause = std::min(third, std::max(kAgain, service.retry_after(error)));
  }
}

// One 404 may come from a proxy that has just lost its routes; a machine is not given up for that.
bool Lease::is_gone_for_sure() const {
  const auto gone = place_.is_gone(machine_id_, {.wait = std::chrono::milliseconds(5'000), .cancelled = &stopped_});
  return gone && *gone;
}

}  // namespace osiris::sdk
