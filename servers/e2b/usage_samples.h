// What one sandbox used over time, as `GET /sandboxes/{id}/metrics` lists it.
#pragma once

#include "protocol/base/json.h"
#include "servers/e2b/templates.h"

namespace osiris::e2b_server {

// The newest samples; older ones go. [one thread at a time]
class UsageSamples {
 public:
  // `usage`: cpu_ms since the sandbox started and rss_bytes, as its init counts them. The share of the CPU is that
  // since the last sample, the first time since `started_ns`. Times are Unix times.
  void take(const Json& usage, uint64_t disk_used_bytes, const Shape& shape, int64_t started_ns, int64_t now_ns);
  const Json& all() const { return samples_; }

 private:
  Json samples_ = Json::array();
  int64_t cpu_ms_ = 0;
  int64_t sampled_ns_ = 0;  // 0: never
};

}  // namespace osiris::e2b_server
