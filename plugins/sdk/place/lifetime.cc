#include "plugins/sdk/place/lifetime.h"

#include <algorithm>
#include <charconv>
#include <ctime>

namespace osiris::sdk {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
// An end that is nearer by less says nothing: clocks are read at different moments.
constexpr int64_t kToleranceMax = kSecond;

}  // namespace

std::optional<int64_t> parse_rfc3339(std::string_view text) {
  constexpr size_t kWholeSeconds = 19;  // "2026-11-28T10:00:00"
  if (text.size() <= kWholeSeconds) return std::nullopt;
  tm fields{};
  const std::string whole(text.substr(0, kWholeSeconds));
  const char* end = strptime(whole.c_str(), "%Y-%m-%dT%H:%M:%S", &fields);
  if (!end || *end) return std::nullopt;
  int64_t ns = 0;
  size_t at = kWholeSeconds;
  if (text[at] == '.')
    for (int64_t digit = kSecond / 10; ++at < text.size() && text[at] >= '0' && text[at] <= '9'; digit /= 10)
      ns += digit * (text[at] - '0');
  int64_t offset_s = 0;
  const std::string_view zone = text.substr(std::min(at, text.size()));
  if (zone != "Z" && zone != "z") {
    if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return std::nullopt;
    int hours = 0, minutes = 0;
    const auto [h, h_error] = std::from_chars(zone.data() + 1, zone.data() + 3, hours);
    const auto [m, m_error] = std::from_chars(zone.data() + 4, zone.data() + 6, minutes);
    if (h != zone.data() + 3 || m != zone.data() + 6) return std::nullopt;
    offset_s = (zone[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
  }
  return (timegm(&fields) - offset_s) * kSecond + ns;
}

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

std::string spoken_duration(int64_t seconds) {
  if (seconds <= 0) return "0 s";
  std::string text;
  const auto add = [&](int64_t count, const char* unit) {
    if (count > 0) text += (text.empty() ? "" : " ") + std::to_string(count) + " " + unit;
  };
  add(seconds / 3600, "h");
  add(seconds / 60 % 60, "min");
  if (seconds < 3600) add(seconds % 60, "s");
  return text;
}

}  // namespace osiris::sdk
