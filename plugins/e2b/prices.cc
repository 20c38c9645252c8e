#include "plugins/e2b/prices.h"

#include <algorithm>
#include <cmath>

namespace osiris::e2b {
namespace {

// The public base template as E2B documents it.
constexpr Shape kBaseShape{2, 512};
// Of a build that does not say.
constexpr Shape kBuiltShape{2, 1024};

// E2B ends a command of a build after an hour, and waits ten minutes for what it starts.
constexpr int64_t kCommandSecondsMax = 3600, kFinalizeSecondsMax = 600;

}  // namespace

std::string Shape::text() const {
  return std::to_string(cpu_count) + " vCPU, " +
         (memory_mb % 1024 == 0 ? std::to_string(memory_mb / 1024) + " GiB" : std::to_string(memory_mb) + " MiB");
}

adapter_sdk::Nanodollars rate_of(const Config& config, const Shape& shape) {
  const double cpus = static_cast<double>(std::clamp<int64_t>(shape.cpu_count, 0, 4096));
  const double gib = static_cast<double>(std::clamp<int64_t>(shape.memory_mb, 0, 1 << 24)) / 1024;
  // What is left of a whole number by the arithmetic is no price.
  return static_cast<adapter_sdk::Nanodollars>(
      std::ceil((cpus * config.price_cpu + gib * config.price_mem) * 1e9 - 1e-3));
}

bool asks_for_template(const Config& config) {
  return config.cpu_count || config.memory_bytes || config.min_free_disk_bytes || !config.image.empty();
}

std::optional<Shape> expected_shape(const Config& config, bool is_built) {
  if (is_built || asks_for_template(config))
    return Shape{config.cpu_count.value_or(kBuiltShape.cpu_count),
                 config.memory_bytes ? *config.memory_bytes / (1 << 20) : kBuiltShape.memory_mb};
  if (config.template_id.empty() || config.template_id == "base") return kBaseShape;
  return std::nullopt;
}

int64_t build_seconds_max(size_t commands) {
  return static_cast<int64_t>(commands) * kCommandSecondsMax + kFinalizeSecondsMax;
}

std::string prices_text(const Config& config) {
  if (config.has_own_prices && config.price_date == kPricesDate) return "your own prices";
  return (config.has_own_prices ? "your own prices of " : "E2B's public prices of ") + config.price_date;
}

}  // namespace osiris::e2b
