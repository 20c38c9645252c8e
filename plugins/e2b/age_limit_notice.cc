#include "plugins/e2b/age_limit_notice.h"

#include "protocol/base/quantity.h"

namespace osiris::e2b {
namespace {

// E2B's plans as published: Hobby, and Pro.
constexpr int64_t kSmallestPlanSeconds = 3600;
constexpr int64_t kLargestPlanSeconds = 24 * 3600;

}  // namespace

std::optional<std::string> age_limit_notice(int64_t timeout_ms) {
  if (timeout_ms <= kSmallestPlanSeconds * 1000) return std::nullopt;
  return "this run may take " + spoken_duration(timeout_ms / 1000) +
         " (--timeout), and a plan ends its sandboxes: E2B's Hobby plan after " +
         spoken_duration(kSmallestPlanSeconds) + ", Pro after " + spoken_duration(kLargestPlanSeconds);
}

}  // namespace osiris::e2b
