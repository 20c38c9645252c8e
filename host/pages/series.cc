#include "host/pages/series.h"

#include <algorithm>

namespace osiris {

std::vector<Sample> thinned(const std::vector<Sample>& samples, size_t most) {
  if (samples.size() <= most || most < 4) return samples;
  const size_t stretches = most / 2 - 1;
  std::vector<Sample> kept = {samples.front()};
  for (size_t i = 0; i < stretches; ++i) {
    const auto begin = samples.begin() + static_cast<ptrdiff_t>(samples.size() * i / stretches);
    const auto end = samples.begin() + static_cast<ptrdiff_t>(samples.size() * (i + 1) / stretches);
    auto [least, greatest] =
        std::minmax_element(begin, end, [](const Sample& a, const Sample& b) { return a.value < b.value; });
    if (greatest < least) std::swap(least, greatest);
    kept.push_back(*least);
    if (least != greatest) kept.push_back(*greatest);
  }
  kept.push_back(samples.back());
  return kept;
}

std::vector<Sample> rates(const std::vector<Sample>& counter) {
  std::vector<Sample> out;
  for (size_t i = 1; i < counter.size(); ++i) {
    const double seconds = counter[i].at_s - counter[i - 1].at_s;
    if (seconds <= 0) continue;
    const double grown = std::max(0.0, counter[i].value - counter[i - 1].value);
    if (out.empty()) out.push_back({counter[i - 1].at_s, grown / seconds});
    out.push_back({counter[i].at_s, grown / seconds});
  }
  return out;
}

}  // namespace osiris
