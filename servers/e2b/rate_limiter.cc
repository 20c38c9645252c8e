#include "servers/e2b/rate_limiter.h"

#include <algorithm>
#include <cmath>

namespace osiris::e2b_server {

RateLimiter::Decision RateLimiter::take(const std::string& route, int64_t now_ns) {
  if (calls_max_ == 0) return {};
  const double full = static_cast<double>(calls_max_), per_s = full / static_cast<double>(kWindowSeconds);
  std::lock_guard lock(mutex_);
  const auto [found, fresh] = buckets_.try_emplace(route, Bucket{full, now_ns});
  Bucket& bucket = found->second;
  bucket.left = std::min(full, bucket.left + per_s * static_cast<double>(now_ns - bucket.at_ns) / 1e9);
  bucket.at_ns = now_ns;
  Decision decision;
  decision.allowed = bucket.left >= 1;
  if (decision.allowed) bucket.left -= 1;
  decision.remaining = static_cast<int64_t>(bucket.left);
  const double missing = decision.allowed ? full - bucket.left : 1 - bucket.left;
  decision.reset_s = std::max<int64_t>(1, static_cast<int64_t>(std::ceil(missing / per_s)));
  return decision;
}

}  // namespace osiris::e2b_server
