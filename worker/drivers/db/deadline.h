// How long one thread waits for a server, and who may end the wait. Client libraries' own timeouts cannot be cancelled;
// so every wait on their sockets comes here, where it also watches an eventfd that cancel() signals.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "protocol/base/fd.h"

namespace osiris::worker::db {

class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  Deadline() = default;
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  // Ends the wait under way and every later one. [any thread]
  void cancel();
  bool is_cancelled() const { return cancelled_.load(std::memory_order_acquire); }

  // `other`, by which another thread waits, is cancelled with this one, until lead_none(). [any thread]
  void lead(Deadline& other);
  void lead_none();

  // The rest is for the waiting thread only.
  void set(std::optional<Clock::time_point> until) { until_ = until; }
  void set_limits_s(uint32_t read_s, uint32_t write_s) { read_s_ = read_s, write_s_ = write_s; }
  bool has_run_out() const { return ran_out_; }
  // Waits until `socket` is ready: 1; 0 with errno ETIMEDOUT when time ran out; -1 with errno ECANCELED when cancelled.
  int wait(int socket, bool is_read);
  // The same, but for `limit` at most; that this ran out is no news of the server's (has_run_out() stays as it was).
  int wait_at_most(int socket, bool is_read, Clock::duration limit);

 private:
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  std::vector<Deadline*> led_;
  EventDescriptor event_;
  std::optional<Clock::time_point> until_;
  uint32_t read_s_ = 0;
  uint32_t write_s_ = 0;
  bool ran_out_ = false;
};

}  // namespace osiris::worker::db
