#include "servers/e2b/usage_samples.h"

#include <algorithm>

#include "protocol/base/clock.h"

namespace osiris::e2b_server {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr size_t kSamplesMax = 1000;

}  // namespace

void UsageSamples::take(const Json& usage, uint64_t disk_used_bytes, const Shape& shape, int64_t started_ns,
                        int64_t now_ns) {
  const int64_t cpu_ms = usage["cpu_ms"].as_int();
  const int64_t since_ns = sampled_ns_ ? sampled_ns_ : started_ns;
  const double span_ms = std::max<double>(1.0, static_cast<double>(now_ns - since_ns) / 1e6);
  const double percent =
      std::max(0.0, 100.0 * static_cast<double>(cpu_ms - cpu_ms_) / span_ms / static_cast<double>(shape.cpu_count));
  cpu_ms_ = cpu_ms;
  sampled_ns_ = now_ns;
  samples_.push_back(Json::object({{"timestamp", format_iso8601_micros(now_ns, true)},
                                   {"timestampUnix", now_ns / kSecond},
                                   {"cpuCount", shape.cpu_count},
                                   {"cpuUsedPct", std::min(percent, 100.0)},
                                   {"memUsed", usage["rss_bytes"].as_int()},
                                   {"memTotal", shape.memory_mb << 20},
                                   {"memCache", int64_t{0}},
                                   {"diskUsed", disk_used_bytes},
                                   {"diskTotal", shape.disk_mb << 20}}));
  if (samples_.size() > kSamplesMax)
    samples_ = Json(Json::Array(samples_.items().end() - kSamplesMax, samples_.items().end()));
}

}  // namespace osiris::e2b_server
