// Numbers and times as text, appended to a buffer: the forms Python's str() gives them.
#pragma once

#include <cstdint>
#include <string>

namespace osiris::worker::csv_out {

void append_integer(std::string& out, int64_t value);
void append_unsigned(std::string& out, uint64_t value);
// "1.0", "0.1", "1e-05", "1e+16", "inf"; the shortest digits that read back as the same number. NaN is the caller's.
void append_double(std::string& out, double value);
void append_float(std::string& out, float value);
// "2025-03-01"; days since 1970-01-01.
void append_date(std::string& out, int64_t days);
constexpr int64_t kSecondsPerDay = 86400;
// "2025-03-01 04:10:00" plus `digits` (0, 3, 6 or 9) of the second's `nanos`; seconds since 1970-01-01.
void append_timestamp(std::string& out, int64_t seconds, uint64_t nanos, int digits);
// "04:10:00", with six more digits when they are not zero; microseconds since midnight.
void append_time(std::string& out, int64_t micros);

}  // namespace osiris::worker::csv_out
