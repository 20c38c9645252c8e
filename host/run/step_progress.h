// How far a running step is, as heartbeats tell, and how fast it has been in the last seconds.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

namespace osiris {

struct StepProgress {
  uint64_t rows = 0, bytes = 0;
  uint64_t rows_total = 0, bytes_total = 0;  // 0: unknown
};

class ProgressHistory {
 public:
  // The step starts, or starts again.
  void begin(int64_t monotonic_ns);
  void add(int64_t monotonic_ns, const StepProgress& progress);

  const StepProgress& latest() const { return latest_; }
  // Of the last kWindowNs; nullopt before the first news and after none for as long.
  std::optional<double> rows_per_second(int64_t now_ns) const { return speed(now_ns, &StepProgress::rows); }
  std::optional<double> bytes_per_second(int64_t now_ns) const { return speed(now_ns, &StepProgress::bytes); }
  // 0 to 1; nullopt where no total is known.
  std::optional<double> fraction() const;
  // At the speed of the last seconds; nullopt where no total is known, or nothing moves.
  std::optional<double> seconds_left(int64_t now_ns) const;

  static constexpr int64_t kWindowNs = 5'000'000'000;

 private:
  struct Sample {
    int64_t monotonic_ns;
    StepProgress progress;
  };
  std::optional<double> speed(int64_t now_ns, uint64_t StepProgress::* count) const;

  std::deque<Sample> recent_;  // the oldest is the last one before the window
  StepProgress latest_;
};

}  // namespace osiris
