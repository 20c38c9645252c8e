// Durations and sizes as people write them: "90s", "1h30m", "500ms", "2 days"; "512MiB", "1.5GB". One reader for
// options, pipelines and commands, so that what is right in one place is right in all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/base/error.h"

namespace osiris {

// In seconds, not negative. A number without a unit counts `bare_unit` (empty: seconds). kInvalidArgument says what is
// wrong with the text.
Result<double> parse_duration_s(std::string_view text, std::string_view bare_unit = {});
// In bytes; `bare_unit` likewise (empty: bytes). "k", "KiB" are 1024, "kB" is 1000; any case.
Result<int64_t> parse_byte_count(std::string_view text, std::string_view bare_unit = {});
// The same of an option whose name says no unit: a number alone, but for 0, is refused, for it may be meant in any.
Result<int64_t> parse_size_with_unit(std::string_view text);

// "1 h", "1 min 58 s", "8 s": whole seconds, for people.
std::string spoken_duration(int64_t seconds);

bool is_duration_unit(std::string_view unit);
bool is_byte_unit(std::string_view unit);

}  // namespace osiris
