// Reading a moment as RFC 3339 writes it; format_iso8601_micros (clock.h) writes one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace osiris {

// "2026-11-28T10:00:00Z", with or without a fraction, or with an offset: nanoseconds since 1970. nullopt: something
// else.
std::optional<int64_t> parse_rfc3339(std::string_view text);

}  // namespace osiris
