#include "worker/drivers/db/deadline.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace osiris::worker::db {

void Deadline::cancel() {
  cancelled_.store(true, std::memory_order_release);
  event_.signal();
  const std::lock_guard lock(mutex_);
  for (Deadline* other : led_) other->cancel();
}

void Deadline::lead(Deadline& other) {
  const std::lock_guard lock(mutex_);
  led_.push_back(&other);
  if (is_cancelled()) other.cancel();
}

void Deadline::lead_none() {
  const std::lock_guard lock(mutex_);
  led_.clear();
}

int Deadline::wait_at_most(int socket, bool is_read, Clock::duration limit) {
  const std::optional<Clock::time_point> before = until_;
  const auto own = Clock::now() + limit;
  const bool is_tighter = !before || own < *before;
  const bool ran_out = ran_out_;
  if (is_tighter) until_ = own;
  const int ready = wait(socket, is_read);
  if (is_tighter) ran_out_ = ran_out;
  until_ = before;
  return ready;
}

int Deadline::wait(int socket, bool is_read) {
  std::optional<Clock::time_point> until = until_;
  if (const uint32_t limit_s = is_read ? read_s_ : write_s_; limit_s > 0) {
    const auto by = Clock::now() + std::chrono::seconds(limit_s);
    until = until ? std::min(*until, by) : by;
  }
  pollfd fds[2] = {{socket, static_cast<short>(is_read ? POLLIN : POLLOUT), 0}, {event_.get(), POLLIN, 0}};
  for (;;) {
    if (is_cancelled()) {
      errno = ECANCELED;
      return -1;
    }
    int left_ms = event_.is_open() ? -1 : 50;  // without an eventfd (no descriptors left) cancellation is polled
    if (until) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - Clock::now()).count();
      if (left <= 0) {
        ran_out_ = true;
        errno = ETIMEDOUT;
        return 0;
      }
      left_ms = static_cast<int>(std::min<int64_t>(left, left_ms < 0 ? 1 << 30 : left_ms));
    }
    const int ready = poll(fds, 2, left_ms);
    if (ready < 0 && errno != EINTR) return -1;
    if (ready > 0 && fds[0].revents != 0) return 1;
  }
}

}  // namespace osiris::worker::db
