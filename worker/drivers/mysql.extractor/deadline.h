// How long one thread waits for a MySQL server, and who may end the wait. libmariadb's own timeouts cannot be
// cancelled, and it mixes seconds with milliseconds under TLS; so every wait on its sockets comes here
// (MARIADB_OPT_IO_WAIT), where it also watches an eventfd that cancel() signals.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

#include "protocol/base/fd.h"

namespace osiris::worker::mysql {

class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  Deadline() = default;
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  // Ends the wait under way and every later one. [any thread]
  void cancel();
  bool is_cancelled() const { return cancelled_.load(std::memory_order_acquire); }

  // The rest is for the waiting thread only.
  void set(std::optional<Clock::time_point> until) { until_ = until; }
  void set_limits_s(uint32_t read_s, uint32_t write_s) { read_s_ = read_s, write_s_ = write_s; }
  bool has_run_out() const { return ran_out_; }
  // Waits until `socket` is ready: 1; 0 with errno ETIMEDOUT when time ran out; -1 with errno ECANCELED when cancelled.
  int wait(int socket, bool is_read);
  // The same, but for `limit` at most; that this ran out is no news of the server's (has_run_out() stays as it was).
  int wait_at_most(int socket, bool is_read, Clock::duration limit);

  // While it lives, libmariadb's waits on this thread go to `deadline`.
  class Scope {
   public:
    explicit Scope(Deadline& deadline);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Deadline* before_;
  };

  // The callback for MARIADB_OPT_IO_WAIT.
  static int io_wait(int socket, char is_read, int timeout_ms);

 private:
  std::atomic<bool> cancelled_{false};
  EventDescriptor event_;
  std::optional<Clock::time_point> until_;
  uint32_t read_s_ = 0;
  uint32_t write_s_ = 0;
  bool ran_out_ = false;
};

}  // namespace osiris::worker::mysql
