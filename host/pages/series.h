// Values over time, with as many points as can be seen.
#pragma once

#include <cstddef>
#include <vector>

namespace osiris {

struct Sample {
  double at_s = 0, value = 0;
};

// At most about `most` samples with the same shape: of each stretch the least and the greatest, in their order, and
// both ends. A peak stays whatever its length.
std::vector<Sample> thinned(const std::vector<Sample>& samples, size_t most);

// How fast a counter grew: between two samples, per second. A counter that falls began again.
std::vector<Sample> rates(const std::vector<Sample>& counter);

}  // namespace osiris
