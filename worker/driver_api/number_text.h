// Numbers and times as text: the forms Python's str() gives them. Each function writes at most kValueBytesMax bytes at
// `at` and returns where they end.
#pragma once

#include <cstddef>
#include <cstdint>

namespace osiris::worker::number_text {

inline constexpr size_t kValueBytesMax = 64;

char* put_integer(char* at, int64_t value);
char* put_unsigned(char* at, uint64_t value);
// "-12.50": digits of a decimal, `scale` of them after the point, and none before it where all `width` are after it.
char* put_decimal(char* at, int64_t digits, unsigned width, unsigned scale);
// The same of 128 bits, in two's complement.
char* put_wide_decimal(char* at, int64_t upper, uint64_t lower, unsigned width, unsigned scale);
// "1.0", "0.1", "1e-05", "1e+16", "inf"; the shortest digits that read back as the same number. NaN is the caller's.
char* put_double(char* at, double value);
char* put_float(char* at, float value);
// "2025-03-01"; days since 1970-01-01.
char* put_date(char* at, int64_t days);
constexpr int64_t kSecondsPerDay = 86400;
// "2025-03-01 04:10:00" plus `digits` (0, 3, 6 or 9) of the second's `nanos`; seconds since 1970-01-01.
char* put_timestamp(char* at, int64_t seconds, uint64_t nanos, int digits);
// "04:10:00", with six more digits when they are not zero; microseconds since midnight.
char* put_time(char* at, int64_t micros);

}  // namespace osiris::worker::number_text
