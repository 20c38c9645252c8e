// Moments as texts, and by the other clock.
#include "protocol/base/clock.h"

#include <gtest/gtest.h>

namespace osiris {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kMoment = 1'763'874'173 * kSecond + 123'456'789;  // 2025-11-23T05:02:53.123456789Z

TEST(Moments, AreWrittenInUtc) {
  EXPECT_EQ(format_iso8601_micros(kMoment), "2025-11-23T05:02:53.123456+00:00");
  EXPECT_EQ(format_iso8601_micros(kMoment, true), "2025-11-23T05:02:53.123456Z");
  EXPECT_EQ(format_iso_basic(kMoment), "20251123T050253Z");
  EXPECT_EQ(format_iso8601_micros(0, true), "1970-01-01T00:00:00.000000Z");
}

TEST(Moments, BeforeTheEpochAreNotRoundedUp) {
  EXPECT_EQ(format_iso8601_micros(-1, true), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(format_iso8601_micros(-kSecond, true), "1969-12-31T23:59:59.000000Z");
}

TEST(Clocks, AMomentIsTheSameByBoth) {
  ManualClock clock(kMoment);
  clock.advance(std::chrono::seconds(5));
  clock.set_wall(std::chrono::hours(1));
  EXPECT_EQ(monotonic_from_unix(clock.unix_ns() + 7, clock), 5 * kSecond + 7);
  EXPECT_EQ(unix_from_monotonic(5 * kSecond - 7, clock), clock.unix_ns() - 7);
}

}  // namespace
}  // namespace osiris
