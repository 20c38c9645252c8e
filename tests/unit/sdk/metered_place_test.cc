// A place whose calls are entered in the books: what is asked for, what is refused, what is known afterwards.
#include "plugins/sdk/place/metered_place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/base/categories.h"
#include "tests/unit/sdk/fake_remote.h"

namespace osiris::sdk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

constexpr Nanodollars kCent = 10'000'000;

class MeteredPlaceTest : public testing::Test {
 protected:
  void open(std::optional<Nanodollars> cap, std::optional<Nanodollars> rate = kCent) {
    ledger_ =
        std::make_shared<Ledger>(adapter_sdk::LedgerTerms{cap, 20s, 60s}, [this] { return clock_.monotonic_ns(); });
    ledger_->set_rate(rate);
    metered_ = std::make_unique<MeteredPlace>(std::make_unique<SharedPlace>(place_), ledger_,
                                              [this](const Machine&) { return real_rate_; });
  }
  Result<Machine> create() {
    MachineSpec wanted;
    wanted.lease_s = 120;
    wanted.metadata[meta::kToken] = "t";
    return metered_->create(wanted, {});
  }
  int64_t at_most() const { return ledger_->figures().at_most / kCent; }

  ManualClock clock_;
  FakePlace place_;
  std::optional<Nanodollars> real_rate_ = kCent;
  std::shared_ptr<Ledger> ledger_;
  std::unique_ptr<MeteredPlace> metered_;
};

TEST_F(MeteredPlaceTest, ACapThatIsTooLowIsSaidWithItsNumbersAndNothingIsAsked) {
  open(100 * kCent);
  const auto created = create();
  ASSERT_FALSE(created.ok());
  EXPECT_EQ(created.error().code, Code::kInvalidArgument);
  EXPECT_EQ(created.error().category, category::kRuntimeBudget);
  EXPECT_EQ(created.error().message,
            "--max-cost $1.00 is less than one machine may come to, $2.00: a lease of 2 min, 20 s that the service may "
            "be late, and a reserve of 1 min, at $0.010 a second");
  EXPECT_THAT(place_.calls_made(), IsEmpty());
  EXPECT_FALSE(metered_->classify_create_failure(created.error()).leaves_doubt);
  EXPECT_FALSE(metered_->is_template_failure(created.error()));
}

TEST_F(MeteredPlaceTest, AnUnknownPriceIsRefused) {
  open(1'000'000 * kCent, std::nullopt);
  const auto created = create();
  ASSERT_FALSE(created.ok());
  EXPECT_THAT(created.error().message, HasSubstr("what the machine costs is not known"));
  EXPECT_THAT(place_.calls_made(), IsEmpty());
}

TEST_F(MeteredPlaceTest, ASecondMachineThatIsTooMuchIsRefused) {
  open(300 * kCent);
  ASSERT_TRUE(create().ok());
  const auto second = create();
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::kDeadline);
  EXPECT_EQ(second.error().category, category::kRuntimeBudget);
  EXPECT_THAT(second.error().message, HasSubstr("--max-cost $3.00 leaves no room for another box"));
  EXPECT_EQ(place_.count("create"), 1u);
}

TEST_F(MeteredPlaceTest, WithACapTheMachineIsLookedAtAndWithoutOneOnlyIfItsPriceIsNotKnown) {
  open(300 * kCent);
  ASSERT_TRUE(create().ok());
  EXPECT_THAT(place_.calls_made(), ElementsAre("create", "look"));
  open(std::nullopt);
  ASSERT_TRUE(create().ok());
  EXPECT_EQ(place_.count("look"), 1u);
  open(std::nullopt, std::nullopt);
  ASSERT_TRUE(create().ok());
  EXPECT_EQ(place_.count("look"), 2u);
  EXPECT_EQ(ledger_->rate(), kCent);
}

TEST_F(MeteredPlaceTest, AMachineThatCostsMoreThanTheCapAllowsIsKilledAtOnce) {
  open(300 * kCent);
  real_rate_ = 2 * kCent;
  const auto created = create();
  ASSERT_FALSE(created.ok());
  EXPECT_THAT(created.error().message, HasSubstr("box box-1 costs $0.020 a second, more than was expected"));
  EXPECT_EQ(created.error().category, category::kRuntimeBudget);
  EXPECT_TRUE(place_.machines.empty());
  EXPECT_LE(at_most(), 4);
}

TEST_F(MeteredPlaceTest, ALostAnswerStaysInTheBooksAndARefusalDoesNot) {
  open(std::nullopt);
  place_.faults["create"] = {{FakePlace::lost(), true}, {FakePlace::refused()}};
  EXPECT_FALSE(create().ok());
  EXPECT_EQ(at_most(), 200);
  EXPECT_FALSE(create().ok());
  EXPECT_EQ(at_most(), 200);
  ASSERT_TRUE(metered_->find({{meta::kToken, "t"}}).ok());
  EXPECT_TRUE(ledger_->knows("box-1")) << "it is what the first call made";
}

TEST_F(MeteredPlaceTest, AMachineIsPaidForUntilItsKillIsVerified) {
  open(std::nullopt);
  ASSERT_TRUE(create().ok());
  clock_.advance(10s);
  place_.machines.clear();
  EXPECT_TRUE(*metered_->is_gone("box-1", {}));
  EXPECT_EQ(ledger_->figures().per_second, kCent) << "a 404 alone may be a proxy's";
  ASSERT_TRUE(metered_->kill("box-1", {}).ok());
  EXPECT_EQ(ledger_->figures().per_second, kCent);
  EXPECT_TRUE(*metered_->is_gone("box-1", {}));
  EXPECT_EQ(ledger_->figures().per_second, 0);
  EXPECT_EQ(at_most(), 10);
}

TEST_F(MeteredPlaceTest, ALeaseThatTheCapForbidsIsNotAskedFor) {
  open(200 * kCent);
  ASSERT_TRUE(create().ok());
  clock_.advance(40s);
  EXPECT_EQ(metered_->affordable_lease_s("box-1", 120), 140) << "the last lease, with the reserve";
  ASSERT_TRUE(metered_->renew("box-1", 140, {}).ok());
  EXPECT_EQ(at_most(), 180);
  clock_.advance(40s);
  const Status more = metered_->renew("box-1", 180, {});
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().category, category::kRuntimeBudget);
  EXPECT_EQ(place_.count("renew"), 1u);
}

TEST_F(MeteredPlaceTest, ARenewalWaitsForThatOfAnotherWhereBothMayComeToTooMuch) {
  open(400 * kCent);
  ASSERT_TRUE(create().ok());
  ASSERT_TRUE(create().ok());
  clock_.advance(60s);
  const auto of_another = ledger_->begin_renewal("box-1", 120);
  ASSERT_TRUE(of_another);
  clock_.advance(1s);
  const Status early = metered_->renew("box-2", 120, {});
  ASSERT_FALSE(early.ok());
  EXPECT_EQ(early.error().code, Code::kUnavailable) << "not the end of the budget";
  EXPECT_THAT(early.error().message, HasSubstr("it is asked for again"));
  EXPECT_EQ(place_.count("renew"), 0u);
  ledger_->renewed(*of_another);
  EXPECT_TRUE(metered_->renew("box-2", 120, {}).ok());
}

TEST_F(MeteredPlaceTest, AKeptMachineCountsFromItsTakeOver) {
  open(200 * kCent);
  place_.machines["old"].id = "old";
  ASSERT_TRUE(metered_->take_over("old", 120).ok());
  EXPECT_EQ(at_most(), 180);
  clock_.advance(10s);
  EXPECT_EQ(ledger_->figures().spent, 10 * kCent);
  place_.faults["take_over"] = {{FakePlace::refused()}};
  open(200 * kCent);
  EXPECT_FALSE(metered_->take_over("old", 120).ok());
  EXPECT_EQ(at_most(), 0) << "nothing was prolonged";
}

}  // namespace
}  // namespace osiris::sdk
