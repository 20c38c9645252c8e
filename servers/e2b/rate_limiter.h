// Calls per route in a sliding half minute, as the real control plane limits them: a token bucket per route.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace osiris::e2b_server {

// [any thread]
class RateLimiter {
 public:
  static constexpr int64_t kWindowSeconds = 30;
  // calls_max 0: no limit.
  explicit RateLimiter(int64_t calls_max) : calls_max_(calls_max) {}

  struct Decision {
    bool allowed = true;
    int64_t remaining = 0;
    int64_t reset_s = 0;  // until the bucket is full again; until the next call, when refused. Rounded up
  };
  Decision take(const std::string& route, int64_t now_ns);
  int64_t calls_max() const { return calls_max_; }

 private:
  struct Bucket {
    double left = 0;
    int64_t at_ns = 0;
  };
  const int64_t calls_max_;
  std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace osiris::e2b_server
