// A lease by a clock of the test's: when it is renewed, what is said of it, and when it is lost.
#include "plugins/sdk/place/lease.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/eventually.h"
#include "tests/unit/sdk/fake_place.h"

namespace osiris::sdk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;

constexpr int64_t kLease_s = 120;

class LeaseByClock : public testing::Test {
 protected:
  LeaseByClock() {
    place_.machines["box-1"].id = "box-1";
    LeaseListener listener;
    listener.lost = [this](const Error& error) { lost_.push_back(error.message); };
    listener.limited = [this](const Lifetime::Limit& limit, int64_t left_s) {
      limits_.push_back(limit.life_s);
      left_s_.push_back(left_s);
    };
    listener.log = [this](const std::string& text) { log_.push_back(text); };
    renewal_.emplace(place_, "box-1", kLease_s, Lifetime::CreateTimes{0, 0}, listener, clock_);
  }

  void fail(const std::string& call, Error error) { place_.faults[call].push_back({std::move(error)}); }
  static Error not_found() { return fake_error(Code::kNotFound, FailureClass::kNotFound, "no such box"); }
  int64_t expires_in_s() const { return (renewal_->expires_monotonic_ns() - clock_.monotonic_ns()) / 1'000'000'000; }
  // What the service says of the machine's life, in seconds after its create_times.
  void lives_until(const std::string& started_at, const std::string& ends_at) {
    place_.machines["box-1"].started_at = started_at;
    place_.machines["box-1"].ends_at = ends_at;
  }

  ManualClock clock_;
  FakePlace place_;
  std::optional<LeaseRenewal> renewal_;
  std::vector<std::string> lost_, log_;
  std::vector<int64_t> limits_, left_s_;
};

TEST_F(LeaseByClock, IsRenewedEveryThirdOfIt) {
  EXPECT_EQ(renewal_->first_pause(), 40s);
  clock_.advance(40s);
  EXPECT_EQ(expires_in_s(), 80);
  EXPECT_EQ(renewal_->renew(), 40s);
  EXPECT_EQ(expires_in_s(), kLease_s);
  EXPECT_THAT(lost_, IsEmpty());
}

TEST_F(LeaseByClock, TheServiceIsAskedForItsWordAfterEverySecondRenewal) {
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(renewal_->renew());
  EXPECT_THAT(place_.calls_made(), ElementsAre("renew", "look", "renew", "renew", "look", "renew"));
}

TEST_F(LeaseByClock, ARenewalThatFailsIsTriedAgainSoonAndExtendsNothing) {
  clock_.advance(40s);
  fail("renew", FakePlace::lost());
  EXPECT_EQ(renewal_->renew(), 1s);
  EXPECT_EQ(expires_in_s(), 80);
  EXPECT_THAT(log_, ElementsAre(HasSubstr("could not be renewed yet")));
  EXPECT_EQ(renewal_->renew(), 40s);
  EXPECT_EQ(expires_in_s(), kLease_s);
}

TEST_F(LeaseByClock, ALeaseThatRunsOutIsLostAtItsEndAndNotBefore) {
  clock_.advance(119s);
  fail("renew", FakePlace::lost());
  EXPECT_TRUE(renewal_->renew());
  EXPECT_THAT(lost_, IsEmpty());
  clock_.advance(1s);
  fail("renew", FakePlace::lost());
  EXPECT_FALSE(renewal_->renew());
  ASSERT_THAT(lost_, SizeIs(1));
  EXPECT_THAT(lost_[0], HasSubstr("the lease of box box-1 ran out because it could not be renewed: no answer"));
}

TEST_F(LeaseByClock, AMachineIsGivenUpOnceTheServiceSaysTwiceThatItIsGone) {
  place_.machines.clear();
  fail("renew", not_found());
  EXPECT_FALSE(renewal_->renew());
  EXPECT_THAT(lost_, ElementsAre(HasSubstr("box box-1 is gone: no such box")));
  EXPECT_EQ(place_.count("is_gone"), 1u);
}

TEST_F(LeaseByClock, OneWordThatItIsGoneIsNotEnough) {
  fail("renew", not_found());
  EXPECT_EQ(renewal_->renew(), 1s) << "it is still there";
  fail("renew", not_found());
  fail("is_gone", FakePlace::lost());
  EXPECT_EQ(renewal_->renew(), 1s) << "nothing is known";
  EXPECT_THAT(lost_, IsEmpty());
}

TEST_F(LeaseByClock, ALimitOfThePlanIsToldOnce) {
  clock_.advance(3500s);
  lives_until("2026-11-28T10:00:00Z", "2026-11-28T11:00:00Z");  // an hour, where 3620 s were asked for
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(renewal_->renew());
  EXPECT_THAT(limits_, ElementsAre(3600));
  EXPECT_THAT(left_s_, ElementsAre(100));
  EXPECT_FALSE(renewal_->limit_reached());
  clock_.advance(100s);
  ASSERT_TRUE(renewal_->limit_reached());
  EXPECT_EQ(renewal_->limit_reached()->life_s, 3600);
}

TEST_F(LeaseByClock, AFullLifeIsNoLimit) {
  clock_.advance(40s);
  lives_until("2026-11-28T10:00:00Z", "2026-11-28T10:02:40Z");
  ASSERT_TRUE(renewal_->renew());
  EXPECT_THAT(limits_, IsEmpty());
  EXPECT_FALSE(renewal_->limit_reached());
}

TEST_F(LeaseByClock, ALeaseIsNoLongerThanTheBudgetAllows) {
  clock_.advance(40s);
  place_.affords_s = 9;
  EXPECT_EQ(renewal_->renew(), 3s) << "a third of what there is";
  EXPECT_THAT(place_.leases_s, ElementsAre(9));
  EXPECT_EQ(expires_in_s(), 9);
  place_.affords_s = 150;  // the last one, with what was kept back
  EXPECT_EQ(renewal_->renew(), 40s);
  EXPECT_EQ(expires_in_s(), 150);
}

TEST_F(LeaseByClock, WithoutABudgetForMoreNothingIsAskedAndTheLeaseRunsOut) {
  clock_.advance(40s);
  place_.affords_s = 0;
  EXPECT_EQ(renewal_->renew(), 40s);
  clock_.advance(70s);
  EXPECT_EQ(renewal_->renew(), 10s);
  EXPECT_THAT(lost_, IsEmpty());
  clock_.advance(10s);
  EXPECT_FALSE(renewal_->renew());
  EXPECT_THAT(lost_, ElementsAre(HasSubstr("ran out: the run's budget allows no further one")));
  EXPECT_THAT(place_.calls_made(), IsEmpty());
}

TEST_F(LeaseByClock, AfterItWasStoppedNothingIsSaid) {
  clock_.advance(200s);
  fail("renew", FakePlace::lost());
  renewal_->stop();
  EXPECT_FALSE(renewal_->renew());
  EXPECT_THAT(lost_, IsEmpty());
  EXPECT_THAT(log_, IsEmpty());
}

TEST(LeaseThread, RenewsUntilItIsStopped) {
  FakePlace place;
  place.machines["box-1"].id = "box-1";
  LeaseListener listener;
  listener.lost = [](const Error& error) { ADD_FAILURE() << error.message; };
  listener.limited = [](const Lifetime::Limit&, int64_t) {};
  listener.log = [](const std::string&) {};
  const auto lease = Lease::begin(place, "box-1", 1, Lifetime::CreateTimes{}, listener);
  ASSERT_TRUE(lease.ok()) << lease.error().message;
  EXPECT_TRUE(test::eventually([&] { return place.count("renew") >= 2; }));
  (*lease)->stop();
  (*lease)->stop();
  const size_t renewed = place.count("renew");
  EXPECT_GE(renewed, 2u);
}

}  // namespace
}  // namespace osiris::sdk
