#include "host/compiler/step_options.h"

#include <cmath>

#include "protocol/base/quantity.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

constexpr int64_t kAttemptsMax = 100;
constexpr double kDurationMaxS = 30.0 * 24 * 3600;

void bad_attempts(const YamlNode& value, const std::string& location, Diagnostics& diagnostics) {
  diagnostics.error("invalid_retry",
                    "max_attempts must be an integer from 1 to " + std::to_string(kAttemptsMax) + ", got " +
                        (value.scalar.is_int() ? value.scalar.dump() : std::string(value.python_type())),
                    location, value.mark);
}

bool is_attempts(const YamlNode& value) {
  return value.kind == YamlNode::Kind::kInt && value.scalar.as_int(0) >= 1 && value.scalar.as_int(0) <= kAttemptsMax;
}

}  // namespace

std::optional<double> read_duration(const YamlNode& value) {
  double seconds = 0;
  if (value.scalar.is_number()) {
    seconds = value.scalar.as_double();
  } else if (value.is_string()) {
    const auto parsed = parse_duration_s(value.text());
    if (!parsed) return std::nullopt;
    seconds = *parsed;
  }
  if (!std::isfinite(seconds) || seconds <= 0 || seconds > kDurationMaxS) return std::nullopt;
  return seconds;
}

void read_timeout(const YamlNode& step_node, OmlStep& step, Diagnostics& diagnostics) {
  const YamlNode* timeout = step_node.find("timeout");
  if (!timeout) return;
  step.timeout_s = read_duration(*timeout);
  if (!step.timeout_s)
    diagnostics.error("invalid_timeout", "timeout must be a positive duration of at most 30 days",
                      step.location + ".timeout", timeout->mark,
                      "write seconds (timeout: 30) or a unit (\"5m\", \"1h\")");
}

void read_materialize(const YamlNode& step_node, OmlStep& step, Diagnostics& diagnostics) {
  const YamlNode* materialize = step_node.find("materialize");
  if (!materialize) return;
  step.materialize = materialize->scalar.as_bool();
  if (materialize->kind != YamlNode::Kind::kBool)
    diagnostics.error("invalid_materialize", "materialize must be true or false", step.location + ".materialize",
                      materialize->mark, "true: the step's rows are stored before they are read; write true or false");
}

std::optional<StepCache> step_cache_of(const YamlNode& value) {
  StepCache cache;
  if (value.kind == YamlNode::Kind::kBool) {
    cache.mode = value.scalar.as_bool() ? StepCache::kKept : StepCache::kNever;
    return cache;
  }
  if (!value.is_mapping() || value.members.size() != 1 || value.members[0].key != "for") return std::nullopt;
  cache.mode = StepCache::kKept;
  cache.max_age_s = read_duration(value.members[0].value);
  if (!cache.max_age_s) return std::nullopt;
  return cache;
}

void read_cache(const YamlNode& step_node, OmlStep& step, Diagnostics& diagnostics) {
  const YamlNode* cache = step_node.find("cache");
  if (!cache) return;
  const auto read = step_cache_of(*cache);
  if (read)
    step.cache = *read;
  else
    diagnostics.error("invalid_cache", "cache must be true, false or {for: <duration>}", step.location + ".cache",
                      cache->mark,
                      "write cache: {for: 1h}; true keeps the rows as long as nothing they follow from "
                      "changes");
}

void read_retry(const YamlNode& step_node, OmlStep& step, Diagnostics& diagnostics) {
  const YamlNode* retry = step_node.find("retry");
  if (!retry) return;
  const std::string location = step.location + ".retry";
  RetryPolicy policy;
  if (!retry->is_mapping()) {
    if (!is_attempts(*retry)) return bad_attempts(*retry, location, diagnostics);
    policy.max_attempts = static_cast<int>(retry->scalar.as_int());
    step.retry = policy;
    return;
  }
  static const std::vector<std::string> kKeys = {"max_attempts", "delay"};
  for (const auto& member : retry->members) {
    const std::string here = location + "." + member.key;
    if (member.key == "max_attempts") {
      if (is_attempts(member.value))
        policy.max_attempts = static_cast<int>(member.value.scalar.as_int());
      else
        bad_attempts(member.value, here, diagnostics);
    } else if (member.key == "delay") {
      const bool zero = member.value.scalar.is_number() && member.value.scalar.as_double() == 0;
      const auto delay = zero ? std::optional(0.0) : read_duration(member.value);
      if (delay)
        policy.delay_s = *delay;
      else
        diagnostics.error("invalid_retry", "delay must be a duration", here, member.value.mark,
                          "write seconds (1.5) or a unit (\"2m\")");
    } else {
      const auto near = nearest(member.key, kKeys);
      diagnostics.error("invalid_retry", "Unknown key of retry: '" + member.key + "'", here, member.key_mark,
                        near ? "did you mean '" + *near + "'?" : "use max_attempts and delay");
    }
  }
  step.retry = policy;
}

}  // namespace osiris
