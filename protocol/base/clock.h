// Time behind an interface, so that no test sleeps.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace osiris {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t unix_ns() const = 0;       // wall clock: may be set at any time; for people and records
  virtual int64_t monotonic_ns() const = 0;  // never steps back; for every wait, limit, lease and deadline
};

// A moment by one clock as one by the other, as both stand now. A deadline that crosses an interface as a time of day
// is turned once, on its arrival: what the calendar's clock is set to afterwards does not move it.
int64_t monotonic_from_unix(int64_t unix_ns, const Clock& clock);
int64_t unix_from_monotonic(int64_t monotonic_ns, const Clock& clock);

// The machine's clocks; [any thread].
const Clock& system_clock();

// Moves only when told to. Not thread safe.
class ManualClock : public Clock {
 public:
  explicit ManualClock(int64_t unix_ns = 0) : unix_ns_(unix_ns) {}
  int64_t unix_ns() const override { return unix_ns_; }
  int64_t monotonic_ns() const override { return monotonic_ns_; }
  void advance(std::chrono::nanoseconds by) {
    unix_ns_ += by.count();
    monotonic_ns_ += by.count();
  }
  // The user or a time service sets the wall clock.
  void set_wall(std::chrono::nanoseconds by) { unix_ns_ += by.count(); }

 private:
  int64_t unix_ns_;
  int64_t monotonic_ns_ = 0;
};

// UTC. "2025-11-20T10:00:00.123456+00:00" (the form of events.jsonl) or, with z, "...123456Z".
std::string format_iso8601_micros(int64_t unix_ns, bool z = false);
// "20251123T054253Z".
std::string format_iso_basic(int64_t unix_ns);

}  // namespace osiris
