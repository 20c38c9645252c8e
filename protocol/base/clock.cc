#include "protocol/base/clock.h"

#include <cstdio>
#include <ctime>

namespace osiris {
namespace {

int64_t read_clock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

class SystemClock : public Clock {
 public:
  int64_t unix_ns() const override { return read_clock(CLOCK_REALTIME); }
  int64_t monotonic_ns() const override { return read_clock(CLOCK_MONOTONIC); }
};

struct CivilTime {
  tm fields;
  int micros;
};

CivilTime civil_utc(int64_t unix_ns) {
  int64_t seconds = unix_ns / 1'000'000'000;
  int64_t rest_ns = unix_ns % 1'000'000'000;
  if (rest_ns < 0) {
    rest_ns += 1'000'000'000;
    --seconds;
  }
  CivilTime time{};
  const time_t t = static_cast<time_t>(seconds);
  gmtime_r(&t, &time.fields);
  time.micros = static_cast<int>(rest_ns / 1000);
  return time;
}

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

int64_t monotonic_from_unix(int64_t unix_ns, const Clock& clock) {
  return clock.monotonic_ns() + (unix_ns - clock.unix_ns());
}

int64_t unix_from_monotonic(int64_t monotonic_ns, const Clock& clock) {
  return clock.unix_ns() + (monotonic_ns - clock.monotonic_ns());
}

std::string format_iso8601_micros(int64_t unix_ns, bool z) {
  const CivilTime time = civil_utc(unix_ns);
  char text[96];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06d%s", time.fields.tm_year + 1900,
                time.fields.tm_mon + 1, time.fields.tm_mday, time.fields.tm_hour, time.fields.tm_min,
                time.fields.tm_sec, time.micros, z ? "Z" : "+00:00");
  return text;
}

std::string format_iso_basic(int64_t unix_ns) {
  const CivilTime time = civil_utc(unix_ns);
  char text[96];
  std::snprintf(text, sizeof text, "%04d%02d%02dT%02d%02d%02dZ", time.fields.tm_year + 1900, time.fields.tm_mon + 1,
                time.fields.tm_mday, time.fields.tm_hour, time.fields.tm_min, time.fields.tm_sec);
  return text;
}

}  // namespace osiris
