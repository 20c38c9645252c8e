// The books by a clock of the test's: what a run has cost, what it may come to, and what the cap lets it ask for.
#include <osiris/sdk/ledger.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/base/clock.h"

namespace osiris::adapter_sdk {
namespace {

using namespace std::chrono_literals;

constexpr int64_t kLease_s = 120;
constexpr Nanodollars kCent = 10'000'000;  // the rate of a machine: a cent a second

class LedgerTest : public testing::Test {
 protected:
  Ledger& open(std::optional<Nanodollars> cap) {
    ledger_.emplace(LedgerTerms{cap, 20s, 60s}, [this] { return clock_.monotonic_ns(); });
    ledger_->set_rate(kCent);
    return *ledger_;
  }
  // A machine whose create took a second.
  void make(const std::string& id) {
    const auto ticket = ledger_->begin_create(kLease_s, "token of " + id);
    ASSERT_TRUE(ticket);
    clock_.advance(1s);
    ledger_->made(*ticket, id);
  }
  // A renewal that took a second.
  void renew(const std::string& id, int64_t lease_s) {
    const auto ticket = ledger_->begin_renewal(id, lease_s);
    ASSERT_TRUE(ticket) << lease_s;
    clock_.advance(1s);
    ledger_->renewed(*ticket);
  }
  int64_t spent() const { return ledger_->figures().spent / kCent; }
  int64_t at_most() const { return ledger_->figures().at_most / kCent; }

  ManualClock clock_;
  std::optional<Ledger> ledger_;
};

TEST_F(LedgerTest, AMachineIsPaidFromTheCallThatMadeItToItsVerifiedEnd) {
  open(std::nullopt);
  make("a");
  clock_.advance(9'500ms);
  EXPECT_EQ(spent(), 11) << "a second that has begun is billed";
  EXPECT_EQ(ledger_->figures().per_second, kCent);
  ledger_->ended("a");
  clock_.advance(1h);
  EXPECT_EQ(spent(), 11);
  EXPECT_EQ(at_most(), 11);
  EXPECT_EQ(ledger_->figures().machine_seconds, 11);
  EXPECT_EQ(ledger_->figures().per_second, 0);
}

TEST_F(LedgerTest, AMachineThatIsNotHeardOfEndsWithItsLease) {
  open(std::nullopt);
  make("a");
  clock_.advance(1h);
  EXPECT_EQ(spent(), 121);
}

TEST_F(LedgerTest, ACreateCountsWithItsLeaseItsDelayAndTheReserve) {
  open(200 * kCent);
  EXPECT_EQ(*ledger_->least_cap(kLease_s), 200 * kCent);
  const auto ticket = ledger_->begin_create(kLease_s, "t");
  ASSERT_TRUE(ticket);
  EXPECT_EQ(at_most(), 200);
  clock_.advance(1s);
  ledger_->made(*ticket, "a");
  EXPECT_EQ(at_most(), 181) << "the answer tells when the lease ends";
}

TEST_F(LedgerTest, ACapBelowOneLeaseCreatesNothing) {
  open(200 * kCent - 1);
  EXPECT_FALSE(ledger_->begin_create(kLease_s, "t"));
  EXPECT_EQ(at_most(), 0);
}

TEST_F(LedgerTest, WithACapAndNoPriceNothingIsCreated) {
  open(1'000'000 * kCent);
  ledger_->set_rate(std::nullopt);
  EXPECT_FALSE(ledger_->begin_create(kLease_s, "t"));
  EXPECT_FALSE(ledger_->least_cap(kLease_s));
  open(std::nullopt);
  ledger_->set_rate(std::nullopt);
  const auto ticket = ledger_->begin_create(kLease_s, "t");
  ASSERT_TRUE(ticket);
  ledger_->made(*ticket, "a");
  EXPECT_FALSE(ledger_->figures().is_priced);
  ledger_->set_rate_of("a", kCent);
  EXPECT_TRUE(ledger_->figures().is_priced);
}

TEST_F(LedgerTest, ACreateWithoutAnAnswerStaysCounted) {
  open(399 * kCent);
  ASSERT_TRUE(ledger_->begin_create(kLease_s, "t"));
  clock_.advance(1h);
  EXPECT_EQ(at_most(), 200) << "a machine may have lived, and have been paid for";
  EXPECT_EQ(spent(), 0) << "of which nothing is known";
  EXPECT_FALSE(ledger_->begin_create(kLease_s, "t")) << "two of them are more than the cap";
}

TEST_F(LedgerTest, ACreateThatDidNothingIsForgotten) {
  open(200 * kCent);
  ledger_->made_nothing(*ledger_->begin_create(kLease_s, "t"));
  EXPECT_EQ(at_most(), 0);
  EXPECT_TRUE(ledger_->begin_create(kLease_s, "t"));
}

TEST_F(LedgerTest, AnAnswerThatNamesAKnownMachineMadeNoSecondOne) {
  open(std::nullopt);
  make("a");
  const int64_t before = at_most();
  ledger_->made(*ledger_->begin_create(kLease_s, "t"), "a");
  EXPECT_EQ(at_most(), before);
}

TEST_F(LedgerTest, AMachineThatIsFoundByItsTokenCameOfTheEarliestCallInDoubt) {
  open(std::nullopt);
  ASSERT_TRUE(ledger_->begin_create(kLease_s, "t"));
  clock_.advance(30s);
  ASSERT_TRUE(ledger_->begin_create(kLease_s, "t"));
  clock_.advance(10s);
  ledger_->found("another", {"x"});
  EXPECT_EQ(spent(), 0);
  ledger_->found("t", {"a"});
  EXPECT_EQ(spent(), 40);
  ledger_->ended("a");
  EXPECT_EQ(at_most(), 40 + 200) << "the other call may have made one, too";
}

TEST_F(LedgerTest, LeasesAreGrantedInFullWhileTheCapAllowsIt) {
  open(1000 * kCent);
  make("a");
  clock_.advance(39s);
  EXPECT_EQ(ledger_->affordable_lease_s("a", kLease_s), kLease_s);
  renew("a", kLease_s);
  EXPECT_EQ(at_most(), 41 + 120 + 60);
}

TEST_F(LedgerTest, TheLastLeaseIsShorterAndTakesTheReserveIn) {
  open(300 * kCent);
  make("a");             // 1 s
  clock_.advance(119s);  // its end is at 121 s
  const int64_t last_s = ledger_->affordable_lease_s("a", kLease_s);
  EXPECT_EQ(last_s, 300 - 120 - 20) << "the cap, less what is gone, less what the service may be late";
  renew("a", last_s);
  EXPECT_EQ(at_most(), 121 + 160) << "and no reserve beside it";
  for (const int64_t wanted_s : {int64_t{10}, kLease_s, int64_t{3600}})
    EXPECT_EQ(ledger_->affordable_lease_s("a", wanted_s), 0) << "a further one would end no later, or sooner";
  EXPECT_FALSE(ledger_->begin_renewal("a", 161));
  EXPECT_FALSE(ledger_->is_down_to_reserve("a"));
  clock_.advance(98s);
  EXPECT_FALSE(ledger_->is_down_to_reserve("a"));
  clock_.advance(1s);  // 220 s, and the lease ends at 280 s
  EXPECT_TRUE(ledger_->is_down_to_reserve("a"));
}

TEST_F(LedgerTest, ARenewalWithoutAnAnswerCountsAsTheWorst) {
  open(std::nullopt);
  make("a");
  clock_.advance(39s);
  ASSERT_TRUE(ledger_->begin_renewal("a", kLease_s));
  EXPECT_EQ(at_most(), 40 + 20 + 120 + 60);
  clock_.advance(10s);
  renew("a", 10);
  EXPECT_EQ(at_most(), 240) << "the first call may still be acted on";
  clock_.advance(10s);
  renew("a", 10);
  EXPECT_EQ(at_most(), 62 + 10 + 60) << "it can no longer be";
}

TEST_F(LedgerTest, ARefusedRenewalChangesNothing) {
  open(std::nullopt);
  make("a");
  const int64_t before = at_most();
  ledger_->not_renewed(*ledger_->begin_renewal("a", 3600));
  EXPECT_EQ(at_most(), before);
}

TEST_F(LedgerTest, TheReserveOfOneMachineIsNotLeasedToAnother) {
  open(401 * kCent);
  make("a");
  make("b");  // 181 each of 401
  clock_.advance(100s);
  const int64_t left = 401 - 181;  // of b: 102 s are gone, 20 s for delay
  const int64_t last_s = ledger_->affordable_lease_s("b", kLease_s);
  EXPECT_EQ(last_s, left + 1 - 102 - 20);
  renew("b", last_s);
  EXPECT_LE(at_most(), 401);
  EXPECT_FALSE(ledger_->begin_create(kLease_s, "t"));
  EXPECT_FALSE(ledger_->is_down_to_reserve("a") && ledger_->affordable_lease_s("a", kLease_s) > 60);
}

TEST_F(LedgerTest, WhatEndsEarlyIsThereForTheOthers) {
  open(403 * kCent);
  make("a");
  make("b");
  EXPECT_FALSE(ledger_->begin_create(kLease_s, "t"));
  ledger_->ended("a");
  EXPECT_TRUE(ledger_->begin_create(kLease_s, "t"));
}

TEST_F(LedgerTest, OneMoreMachineLeavesTheOthersARenewal) {
  open(400 * kCent);
  make("a");  // may come to 181, renewed to 201
  EXPECT_FALSE(ledger_->begin_create(kLease_s, "t"));
  EXPECT_EQ(at_most(), 181);
  open(401 * kCent);
  make("a");
  EXPECT_TRUE(ledger_->begin_create(kLease_s, "t"));
}

// Short leases, and a service that may be late by much more: two machines fit, each renewed in its turn.
class LedgerOfTwo : public LedgerTest {
 protected:
  LedgerOfTwo() {
    ledger_.emplace(LedgerTerms{180 * kCent, 76s, 4s}, [this] { return clock_.monotonic_ns(); });
    ledger_->set_rate(kCent);
    for (const char* id : {"a", "b"}) {
      const auto ticket = ledger_->begin_create(6, "t");
      clock_.advance(1s);
      if (ticket) ledger_->made(*ticket, id);
    }
  }
  bool is_renewed(const std::string& id) {
    const auto ticket = ledger_->begin_renewal(id, 6);
    if (ticket) ledger_->renewed(*ticket);
    return ticket.has_value();
  }
};

TEST_F(LedgerOfTwo, AThirdIsRefusedAlthoughItFitsUntilTheNextRenewal) {
  ASSERT_TRUE(ledger_->knows("b"));
  EXPECT_LT(at_most() + 86, 180);
  EXPECT_FALSE(ledger_->begin_create(6, "t"));
  for (int i = 0; i < 15; ++i) {
    clock_.advance(2s);
    for (const char* id : {"a", "b"}) {
      EXPECT_FALSE(ledger_->is_down_to_reserve(id)) << id << i;
      EXPECT_TRUE(is_renewed(id)) << id << i;
    }
    EXPECT_FALSE(ledger_->begin_create(6, "t")) << i;
  }
}

TEST_F(LedgerOfTwo, ACallOfOneThatIsOnItsWayIsNotTheEndOfTheOther) {
  for (int i = 0; i < 6; ++i) {
    clock_.advance(2s);
    ASSERT_TRUE(is_renewed("a") && is_renewed("b"));
  }
  clock_.advance(2s);
  const auto on_its_way = ledger_->begin_renewal("a", 6);
  ASSERT_TRUE(on_its_way);
  EXPECT_FALSE(ledger_->is_down_to_reserve("b"));
  EXPECT_EQ(ledger_->affordable_lease_s("b", 6), 6);
  EXPECT_FALSE(is_renewed("b")) << "both at their worst are more than the cap";
  EXPECT_LE(at_most(), 180);
  ledger_->renewed(*on_its_way);
  EXPECT_TRUE(is_renewed("b"));

  ASSERT_TRUE(ledger_->begin_renewal("a", 6));
  clock_.advance(2s);
  EXPECT_TRUE(ledger_->is_down_to_reserve("b")) << "no answer came: the worst is expected";
}

TEST_F(LedgerTest, AMachineThatCostsMoreThanWasThoughtIsSeen) {
  open(200 * kCent);
  make("a");
  EXPECT_TRUE(ledger_->is_within_cap());
  ledger_->set_rate_of("a", 2 * kCent);
  EXPECT_FALSE(ledger_->is_within_cap());
  EXPECT_EQ(ledger_->rate(), 2 * kCent) << "so will the next ones";
  EXPECT_EQ(ledger_->affordable_lease_s("a", kLease_s), 0);
  EXPECT_TRUE(ledger_->is_down_to_reserve("a") || at_most() > 200);
}

TEST_F(LedgerTest, ABuildCountsInFullUntilItHasEnded) {
  open(100 * kCent);
  EXPECT_FALSE(ledger_->begin_other("build", kCent, 101));
  ASSERT_TRUE(ledger_->begin_other("build", kCent, 100));
  EXPECT_EQ(at_most(), 100);
  clock_.advance(7s);
  EXPECT_EQ(spent(), 7);
  ledger_->ended("build");
  EXPECT_EQ(at_most(), 7);
}

TEST_F(LedgerTest, TheWallClockMayBeSet) {
  open(300 * kCent);
  make("a");
  for (const auto by : {std::chrono::nanoseconds(1h), std::chrono::nanoseconds(-5h)}) {
    const CostFigures before = ledger_->figures();
    clock_.set_wall(by);
    EXPECT_EQ(ledger_->figures().spent, before.spent);
    EXPECT_EQ(ledger_->figures().at_most, before.at_most);
    EXPECT_FALSE(ledger_->is_down_to_reserve("a"));
  }
}

TEST_F(LedgerTest, HugeAmountsStayHuge) {
  open(std::numeric_limits<Nanodollars>::max() - 1);
  ledger_->set_rate(Nanodollars{1} << 60);
  EXPECT_FALSE(ledger_->begin_create(kLease_s, "t"));
  EXPECT_EQ(nanodollars(1e300), std::numeric_limits<Nanodollars>::max());
}

TEST(Money, IsSaidWithTheDigitsThatMatter) {
  EXPECT_EQ(money_text(2'000'000'000), "$2.00");
  EXPECT_EQ(money_text(4'200'000), "$0.0042");
  EXPECT_EQ(money_text(30'250), "$0.000030");
  EXPECT_EQ(money_text(0), "$0.00");
  EXPECT_EQ(nanodollars(0.0000045), 4'500);
  EXPECT_EQ(nanodollars(2), 2'000'000'000);
  EXPECT_DOUBLE_EQ(dollars(4'500), 0.0000045);
}

TEST(BootClock, GoesOn) {
  const int64_t before = boot_clock_ns();
  EXPECT_GT(before, 0);
  EXPECT_GE(boot_clock_ns(), before);
}

}  // namespace
}  // namespace osiris::adapter_sdk
