#include "plugins/sdk/place/lifetime.h"

#include <gtest/gtest.h>

#include "protocol/base/clock.h"

namespace osiris::sdk {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kLease = 120 * kSecond;
constexpr int64_t kServiceStart = 1'764'300'000 * kSecond;  // the service's clock has nothing to do with ours

// A service with a plan's maximum, as a renewal at `age_s` meets it. Monotonic time 1000 s is the sandbox's start.
struct CappedService {
  int64_t max_s = 3600;
  int64_t start_ns = 1000 * kSecond;
  void renew(Lifetime& lifetime, int64_t age_s) const {
    const int64_t life_ns = std::min(age_s * kSecond + kLease, max_s * kSecond);
    lifetime.look(format_iso8601_micros(kServiceStart, true), format_iso8601_micros(kServiceStart + life_ns, true),
                  start_ns + age_s * kSecond, kLease);
  }
};

Lifetime born() { return Lifetime(Lifetime::CreateTimes{999 * kSecond, 1001 * kSecond}); }

TEST(Lifetime, ARenewalInFullShowsNoLimit) {
  Lifetime lifetime = born();
  for (const int64_t age_s : {40, 80, 3000, 3400}) {
    CappedService().renew(lifetime, age_s);
    EXPECT_FALSE(lifetime.limit()) << age_s;
  }
  EXPECT_FALSE(lifetime.is_over(100'000 * kSecond));
}

TEST(Lifetime, ARenewalThatWasCutDownShowsThePlansMaximum) {
  Lifetime lifetime = born();
  CappedService().renew(lifetime, 3520);
  ASSERT_TRUE(lifetime.limit());
  EXPECT_EQ(lifetime.limit()->life_s, 3600);
  EXPECT_EQ(lifetime.limit()->earliest_ns, (999 + 3600) * kSecond);
  EXPECT_EQ(lifetime.limit()->latest_ns, (1001 + 3600) * kSecond);
  EXPECT_FALSE(lifetime.is_over((999 + 3599) * kSecond));
  EXPECT_TRUE(lifetime.is_over((1000 + 3600) * kSecond));
}

TEST(Lifetime, OfASandboxTakenOverTheSecondLookShowsIt) {
  Lifetime lifetime{std::nullopt};
  const CappedService service;
  service.renew(lifetime, 3500);
  EXPECT_FALSE(lifetime.limit());
  service.renew(lifetime, 3540);
  ASSERT_TRUE(lifetime.limit());
  EXPECT_EQ(lifetime.limit()->life_s, 3600);
  EXPECT_TRUE(lifetime.is_over((1000 + 3600) * kSecond));
}

TEST(Lifetime, ASandboxTakenOverAtTheVeryEndIsSeenToo) {
  Lifetime lifetime{std::nullopt};
  const CappedService service;
  service.renew(lifetime, 3530);
  service.renew(lifetime, 3570);
  ASSERT_TRUE(lifetime.limit());
  EXPECT_EQ(lifetime.limit()->life_s, 3600);
}

TEST(Lifetime, ALimitThatIsRaisedIsForgotten) {
  Lifetime lifetime = born();
  CappedService().renew(lifetime, 3550);
  ASSERT_TRUE(lifetime.limit());
  CappedService{.max_s = 24 * 3600}.renew(lifetime, 3580);
  EXPECT_FALSE(lifetime.limit());
}

TEST(Lifetime, ARefusedRenewalIsTheEnd) {
  Lifetime lifetime = born();
  lifetime.refused(4600 * kSecond);
  EXPECT_TRUE(lifetime.is_over(4600 * kSecond));
  EXPECT_EQ(lifetime.limit()->life_s, 3601);
}

TEST(Lifetime, TimesThatCannotBeReadSayNothing) {
  Lifetime lifetime = born();
  lifetime.look("", "", 1040 * kSecond, kLease);
  lifetime.look("yesterday", "tomorrow", 1040 * kSecond, kLease);
  lifetime.look("2026-11-28T10:00:00Z", "2026-11-28T09:00:00Z", 1040 * kSecond, kLease);
  EXPECT_FALSE(lifetime.limit());
}

}  // namespace
}  // namespace osiris::sdk
