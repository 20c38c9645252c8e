#include "plugins/sdk/place/lease.h"

#include <algorithm>
#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/thread.h"

namespace osiris::sdk {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr Milliseconds kAgain{1'000};        // between renewals that fail
constexpr Milliseconds kQuestionMax{5'000};  // of the other questions

}  // namespace

LeaseRenewal::LeaseRenewal(Place& place, std::string machine_id, int64_t lease_s,
                           std::optional<Lifetime::CreateTimes> create_times, LeaseListener listener,
                           const Clock& clock)
    : place_(place),
      machine_id_(std::move(machine_id)),
      lease_ns_(lease_s * kSecondNs),
      third_(lease_s * 1000 / 3),
      listener_(std::move(listener)),
      clock_(clock),
      expires_ns_(clock.monotonic_ns() + lease_ns_),
      lifetime_(create_times) {}

int64_t LeaseRenewal::expires_monotonic_ns() const {
  const std::lock_guard lock(mutex_);
  return expires_ns_;
}

std::optional<Lifetime::Limit> LeaseRenewal::limit_reached() const {
  const std::lock_guard lock(mutex_);
  return lifetime_.is_over(clock_.monotonic_ns()) ? lifetime_.limit() : std::nullopt;
}

// What the service makes of a renewal. An answer that does not come is asked for again after a later one.
void LeaseRenewal::look(int64_t asked_ns, int64_t lease_ns) {
  const auto machine =
      place_.look(machine_id_, {.wait = std::min(kQuestionMax, place_.request_timeout()), .cancelled = &stopped_});
  if (!machine) return;
  std::optional<Lifetime::Limit> limit;
  {
    const std::lock_guard lock(mutex_);
    lifetime_.look(machine->started_at, machine->ends_at, asked_ns, lease_ns);
    limit = lifetime_.limit();
  }
  if (!limit || std::exchange(told_, true)) return;
  listener_.limited(*limit, std::max<int64_t>(0, (limit->latest_ns - clock_.monotonic_ns()) / kSecondNs));
}

std::optional<Milliseconds> LeaseRenewal::renew() {
  // The new end counts from when the service handled the call, which is after this moment. One that hangs leaves time
  // for another.
  const int64_t asked_ns = clock_.monotonic_ns();
  const int64_t lease_s = place_.affordable_lease_s(machine_id_, lease_ns_ / kSecondNs);
  if (lease_s == 0) return go_without();
  const Status renewed =
      place_.renew(machine_id_, lease_s,
                   {.wait = std::min(std::max(third_ / 2, kAgain), place_.request_timeout()), .cancelled = &stopped_});
  if (stopped_) return std::nullopt;
  if (renewed.ok()) {
    {
      const std::lock_guard lock(mutex_);
      expires_ns_ = asked_ns + lease_s * kSecondNs;
    }
    if (renewals_++ % 2 == 0) look(asked_ns, lease_s * kSecondNs);
    const Milliseconds pause = std::min(third_, Milliseconds(lease_s * 1000 / 3));
    return std::max(Milliseconds(0), pause - Milliseconds((clock_.monotonic_ns() - asked_ns) / 1'000'000));
  }
  const Error& error = renewed.error();
  const Service& service = place_.service();
  const std::string machine = std::string(service.noun()) + " " + machine_id_;
  if (place_.is_end_of_life(error)) {
    const std::lock_guard lock(mutex_);
    lifetime_.refused(clock_.monotonic_ns());
  }
  if (failure_class_of(error) == FailureClass::kNotFound && is_gone_for_sure()) {
    listener_.lost(service.failure(FailureClass::kSandboxError, machine + " is gone: " + error.message,
                                   "It was killed from outside or its service lost it; run again."));
    return std::nullopt;
  }
  if (clock_.monotonic_ns() >= expires_monotonic_ns()) {
    listener_.lost(
        service.failure(failure_class_of(error),
                        "the lease of " + machine + " ran out because it could not be renewed: " + error.message, "",
                        error.detail.is_object() ? error.detail : Json::object()));
    return std::nullopt;
  }
  // For the budget it waits in silence, for calls of other machines.
  if (error.category != category::kRuntimeBudget) listener_.log("the lease could not be renewed yet: " + error.message);
  return std::min(third_, std::max(kAgain, retry_after_of(error)));
}

// Nothing is asked for: the machine lives on for what it has.
std::optional<Milliseconds> LeaseRenewal::go_without() {
  const Milliseconds left((expires_monotonic_ns() - clock_.monotonic_ns()) / 1'000'000);
  if (left.count() > 0) return std::min(third_, left);
  listener_.lost(place_.service().failure(FailureClass::kSandboxError,
                                          "the lease of " + std::string(place_.service().noun()) + " " + machine_id_ +
                                              " ran out: the run's budget allows no further one",
                                          "Allow more with --max-cost."));
  return std::nullopt;
}

// One 404 may come from a proxy that has just lost its routes; a machine is not given up for that.
bool LeaseRenewal::is_gone_for_sure() const {
  const auto gone = place_.is_gone(machine_id_, {.wait = kQuestionMax, .cancelled = &stopped_});
  return gone && *gone;
}

Lease::Lease(Place& place, std::string machine_id, int64_t lease_s, std::optional<Lifetime::CreateTimes> create_times,
             LeaseListener listener)
    : renewal_(place, std::move(machine_id), lease_s, create_times, std::move(listener), system_clock()) {}

Result<std::unique_ptr<Lease>> Lease::begin(Place& place, std::string machine_id, int64_t lease_s,
                                            std::optional<Lifetime::CreateTimes> create_times, LeaseListener listener) {
  std::unique_ptr<Lease> self(new Lease(place, std::move(machine_id), lease_s, create_times, std::move(listener)));
  if (!begin_thread(self->thread_, [raw = self.get()] { raw->run(); }))
    return no_more_threads("the lease cannot be renewed");
  return self;
}

Lease::~Lease() { stop(); }

void Lease::stop() {
  renewal_.stop();
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  stopping_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Lease::run() {
  for (std::optional<Milliseconds> pause = renewal_.first_pause(); pause; pause = renewal_.renew()) {
    std::unique_lock lock(mutex_);
    if (stopping_.wait_for(lock, *pause, [this] { return stopped_; })) return;
  }
}

}  // namespace osiris::sdk
