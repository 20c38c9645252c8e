#include "plugins/e2b/lease.h"

#include <algorithm>

#include "protocol/base/clock.h"

namespace osiris::e2b {

Lease::Lease(ApiClient& api, std::string sandbox_id, int64_t lease_s, std::function<void(const Error&)> lost,
             std::function<void(const std::string&)> log)
    : api_(api),
      sandbox_id_(std::move(sandbox_id)),
      lease_s_(lease_s),
      lost_(std::move(lost)),
      log_(std::move(log)),
      expires_ns_(system_clock().monotonic_ns() + lease_s * 1'000'000'000),
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

void Lease::run() {
  const auto third = std::chrono::milliseconds(lease_s_ * 1000 / 3);
  constexpr std::chrono::milliseconds kAgain{1000};
  auto pause = third;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (stopping_.wait_for(lock, pause, [this] { return stopped_.load(); })) return;
    }
    // The new end counts from when the service handled the call, which is after this moment. One that hangs leaves time for another.
    const int64_t asked_ns = system_clock().monotonic_ns();
    const Status renewed = renew_lease(api_, sandbox_id_, lease_s_, {.wait = std::min(std::max(third / 2, kAgain), api_.config().timeouts.total), .cancelled = &stopped_});
    if (stopped_) return;
    if (renewed.ok()) {
      const std::lock_guard lock(mutex_);
      expires_ns_ = asked_ns + lease_s_ * 1'000'000'000;
      pause = third;
      continue;
    }
    const Error& error = renewed.error();
    if (failure_class_of(error) == FailureClass::kNotFound && is_gone_for_sure()) {
      lost_(make_failure(FailureClass::kSandboxError, "sandbox " + sandbox_id_ + " is gone: " + error.message,
                         "It was killed from outside or its service lost it; run again."));
      return;
    }
    if (system_clock().monotonic_ns() >= expires_monotonic_ns()) {
      const auto detail = parse_json(error.detail);
      lost_(make_failure(failure_class_of(error), "the lease of sandbox " + sandbox_id_ + " ran out because it could not be renewed: " + error.message,
                         "", detail ? *detail : Json::object()));
      return;
    }
    log_("the lease could not be renewed yet: " + error.message);
    pause = std::min(third, std::max(kAgain, retry_after_of(error)));
  }
}

// One 404 may come from a proxy that has just lost its routes; a sandbox is not given up for that.
bool Lease::is_gone_for_sure() const {
  const auto gone = is_gone(api_, sandbox_id_, {.wait = std::chrono::milliseconds(5'000), .cancelled = &stopped_});
  return gone && *gone;
}

}  // namespace osiris::e2b
