#include "protocol/base/rfc3339.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <string>

namespace osiris {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;

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
    for (int64_t digit = kNsPerSecond / 10; ++at < text.size() && text[at] >= '0' && text[at] <= '9'; digit /= 10)
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
  return (timegm(&fields) - offset_s) * kNsPerSecond + ns;
}

}  // namespace osiris
