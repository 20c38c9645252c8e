#include "plugins/sdk/place/lifetime.h"

#include <algorithm>

#include "protocol/base/rfc3339.h"

namespace osiris::sdk {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
// An end that is nearer by less says nothing: clocks are read at different moments.
constexpr int64_t kToleranceMax = kSecond;

}  // namespace

void Lifetime::look(std::string_view started_at, std::string_view end_at, int64_t asked_ns, int64_t lease_ns) {
  const auto started = parse_rfc3339(started_at), end = parse_rfc3339(end_at);
  if (!started || !end || *end <= *started) return;
  const int64_t life_ns = *end - *started;
  if (!create_times_) {
    const int64_t born_ns = asked_ns - (life_ns - lease_ns);
    create_times_ = CreateTimes{born_ns, born_ns};
    is_guessed_ = true;
  }
  const int64_t due_ns =
      asked_ns - create_times_->answered_ns + lease_ns;  // not more than the life a renewal in full makes
  const bool is_cut = life_ns + std::min(kToleranceMax, lease_ns / 4) < due_ns;
  limit_.reset();
  if (!is_cut) return;
  // A guess was wrong if the renewal before it was cut down too: all that is sure is that the end is within this lease.
  limit_ = Limit{(life_ns + kSecond / 2) / kSecond, is_guessed_ ? asked_ns : create_times_->asked_ns + life_ns,
                 is_guessed_ ? asked_ns + lease_ns : create_times_->answered_ns + life_ns};
}

void Lifetime::refused(int64_t now_ns) {
  if (!limit_) limit_ = Limit{create_times_ ? (now_ns - create_times_->asked_ns) / kSecond : 0, now_ns, now_ns};
  limit_->earliest_ns = std::min(limit_->earliest_ns, now_ns);
}

}  // namespace osiris::sdk
