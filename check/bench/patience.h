// Limits in time that hold on a busy machine too. A limit of the check says what a machine that does nothing else
// needs; where several programs want each processor, everything takes that much longer, and so may the adapter.
//
// Deliberate: the system's count of what wants to run, not a measurement of our own. A probe would be one more program.
#pragma once

#include <cstdint>
#include <functional>

namespace osiris::check {

// How many programs want each processor just now, from 1 (none waits) to kBusynessMax; 1 where the system does not say.
// What waits longer than kBusynessMax times a limit is noticed on any machine.
inline constexpr double kBusynessMax = 4;
double busyness();

// An hourglass that runs slower the busier the machine is. One thread asks it, every few milliseconds.
class Patience {
 public:
  explicit Patience(int64_t limit_ms);
  bool is_over();
  double mean_busyness() const;  // since it was made

 private:
  void pass();

  const double limit_ms_;
  const int64_t began_ns_;
  int64_t last_ns_;
  double used_ms_ = 0;
};

// Asks `done` every few milliseconds. False: it said no until `limit_ms` of a Patience were over.
bool wait_patiently(int64_t limit_ms, const std::function<bool()>& done);

}  // namespace osiris::check
