// How long the service lets a machine live (at E2B the account's plan decides). A service cuts a renewal down to its
// maximum without a word, and no call names the maximum; it shows in the end of life that the service names after a
// renewal: nearer than was asked for. Arithmetic only; no I/O, no thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace osiris::sdk {

class Lifetime {
 public:
  // When the machine came to be, by this machine's monotonic clock: after its create was asked for, before that was
  // answered.
  struct CreateTimes {
    int64_t asked_ns = 0;
    int64_t answered_ns = 0;
  };
  // nullopt: a machine that was taken over. Its age is worked out of the first look, so its limit shows at the second
  // one.
  explicit Lifetime(std::optional<CreateTimes> create_times) : create_times_(create_times) {}

  struct Limit {
    int64_t life_s = 0;  // of a machine of this account, to the nearest second
    // Monotonic. Between the two is the true end: close to each other for a machine of our own, a lease apart for one
    // taken over.
    int64_t earliest_ns = 0;
    int64_t latest_ns = 0;
  };

  // What the service says of the machine after a renewal that asked, at asked_ns, for lease_ns from then on. Times as
  // in its documents (RFC 3339), by its own clock, which need not be this machine's.
  void look(std::string_view started_at, std::string_view end_at, int64_t asked_ns, int64_t lease_ns);
  // The service refused a renewal because the limit is reached.
  void refused(int64_t now_ns);

  // nullopt: nothing cut a renewal down yet.
  const std::optional<Limit>& limit() const { return limit_; }
  bool is_over(int64_t now_ns) const { return limit_ && now_ns >= limit_->earliest_ns; }

 private:
  std::optional<CreateTimes> create_times_;
  bool is_guessed_ = false;  // create_times_
  std::optional<Limit> limit_;
};

}  // namespace osiris::sdk
