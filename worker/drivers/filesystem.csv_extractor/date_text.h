// Dates and times as files spell them, read exactly: every pattern takes the digits it names and nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace osiris::worker::csv {

// A date with or without a time of day, as written.
struct DateText {
  int64_t micros = 0;  // since 1970-01-01 00:00, by the clock it was written with
  int nanos = 0;       // beyond them, 0 to 999
  std::optional<int> offset_minutes;

  int64_t utc_micros() const { return micros - int64_t{offset_minutes.value_or(0)} * 60'000'000; }
  // Nanoseconds since 1970, which end in 1677 and 2262; nullopt beyond.
  std::optional<int64_t> since_epoch_nanos() const;
};

// 2025-03-01, 2025/3/1, 3/1/2025 (month first), 3/1/25 (69 to 99: 19..; 00 to 68: 20.., as in pandas) and 20250301,
// with a time after a blank or T: 4:10, 04:10:00, up to nine digits of a second, and an offset: Z, UTC, +05, +0530,
// +05:30. Blanks around it do not count. nullopt when it is none of these, or no day of the calendar.
std::optional<DateText> parse_date(std::string_view text);

}  // namespace osiris::worker::csv
