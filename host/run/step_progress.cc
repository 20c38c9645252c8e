#include "host/run/step_progress.h"

#include <algorithm>

namespace osiris {

void ProgressHistory::begin(int64_t monotonic_ns) {
  latest_ = {};
  recent_.assign(1, Sample{monotonic_ns, latest_});
}

void ProgressHistory::add(int64_t monotonic_ns, const StepProgress& progress) {
  // Reports of one moment may overtake each other; counts never go back.
  latest_.rows = std::max(latest_.rows, progress.rows);
  latest_.bytes = std::max(latest_.bytes, progress.bytes);
  latest_.rows_total = progress.rows_total;
  latest_.bytes_total = progress.bytes_total;
  recent_.push_back({monotonic_ns, latest_});
  while (recent_.size() > 2 && recent_[1].monotonic_ns <= monotonic_ns - kWindowNs) recent_.pop_front();
}

std::optional<double> ProgressHistory::fraction() const {
  const auto of = [](uint64_t done, uint64_t total) {
    return std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  };
  if (latest_.bytes_total) return of(latest_.bytes, latest_.bytes_total);
  if (latest_.rows_total) return of(latest_.rows, latest_.rows_total);
  return std::nullopt;
}

std::optional<double> ProgressHistory::seconds_left(int64_t now_ns) const {
  const bool by_bytes = latest_.bytes_total != 0;
  const uint64_t done = by_bytes ? latest_.bytes : latest_.rows;
  const uint64_t total = by_bytes ? latest_.bytes_total : latest_.rows_total;
  const auto per_second = by_bytes ? bytes_per_second(now_ns) : rows_per_second(now_ns);
  if (!total || !per_second || *per_second <= 0) return std::nullopt;
  return static_cast<double>(total - std::min(done, total)) / *per_second;
}

std::optional<double> ProgressHistory::speed(int64_t now_ns, uint64_t StepProgress::* count) const {
  if (recent_.size() < 2 || now_ns - recent_.back().monotonic_ns > kWindowNs) return std::nullopt;
  const Sample &first = recent_.front(), &last = recent_.back();
  const int64_t elapsed_ns = last.monotonic_ns - first.monotonic_ns;
  if (elapsed_ns <= 0) return std::nullopt;
  return static_cast<double>(last.progress.*count - first.progress.*count) / (static_cast<double>(elapsed_ns) / 1e9);
}

}  // namespace osiris
