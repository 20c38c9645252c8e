// One machine of one run against a service in memory: what is asked for is on disk first, what is held is given back
// and verified, and what a lost answer made is found.
#include "plugins/sdk/place/held_machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/no_more_threads.h"
#include "tests/unit/sdk/holding.h"

namespace osiris::sdk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

void no_sleep(Milliseconds) {}

TEST(KillAndVerify, IsNotDoneWhileTheMachineIsStillListed) {
  FakePlace place;
  place.machines["a"].id = "a";
  place.keeps_killed = true;
  const Status killed = kill_and_verify(place, "a", Milliseconds(0), no_sleep);
  ASSERT_FALSE(killed.ok());
  EXPECT_THAT(killed.error().message, HasSubstr("box a is still listed after it was killed"));
}

TEST(KillAndVerify, AsksUntilItIsSure) {
  FakePlace place;
  place.machines["a"].id = "a";
  place.faults["kill"] = {{FakePlace::lost()}, {FakePlace::lost(), true}};
  place.faults["is_gone"] = {{FakePlace::lost()}};
  EXPECT_TRUE(kill_and_verify(place, "a", Milliseconds(60'000), no_sleep).ok());
  EXPECT_TRUE(place.machines.empty());
  EXPECT_THAT(place.calls_made(), ElementsAre("kill", "kill", "kill", "is_gone", "kill", "is_gone"));
}

TEST(KillAndVerify, GivesUpAfterAFewRefusalsAndSaysHowMany) {
  FakePlace place;
  place.faults["kill"] = {
      {FakePlace::refused()}, {FakePlace::refused()}, {FakePlace::refused()}, {FakePlace::refused()}};
  const Status killed = kill_and_verify(place, "a", Milliseconds(60'000), no_sleep);
  ASSERT_FALSE(killed.ok());
  EXPECT_THAT(killed.error().message, HasSubstr("tried 4 times"));
}

class HeldMachineTest : public Holding {
 protected:
  HeldMachineTest() : Holding("held") { request_.keep_directory = (directory_ / "kept").string(); }
};

TEST_F(HeldMachineTest, TheIntentIsOnDiskBeforeTheCreateEvenIfNothingComesOfIt) {
  place_.faults["create"] = {{FakePlace::refused()}};
  HeldMachine held(context());
  EXPECT_FALSE(held.acquire(request_).ok());
  EXPECT_THAT(journal(), HasSubstr(R"("action":"creating")"));
  EXPECT_EQ(place_.count("create"), 1u) << "a refusal is not tried again";
}

TEST_F(HeldMachineTest, IsAnnouncedThenReleasedAndVerified) {
  HeldMachine held(context());
  ASSERT_TRUE(held.acquire(request_).ok());
  EXPECT_TRUE(held.is_held());
  ASSERT_EQ(recording_.events("resource_acquired").size(), 1u);
  EXPECT_EQ(recording_.events("box_created")[0].data["box_id"].as_string(), "box-1");
  Json released = Json::array();
  ASSERT_TRUE(held.release(released, false).ok());
  EXPECT_TRUE(place_.machines.empty());
  EXPECT_TRUE(released.items()[0]["verified"].as_bool());
  EXPECT_EQ(recording_.events("resource_released").size(), 1u);
  EXPECT_THAT(journal(), HasSubstr(R"("action":"released","id":"box-1","verified":true)"));
  EXPECT_FALSE(held.is_held());
}

TEST_F(HeldMachineTest, WhatALostAnswerMadeIsFoundByItsTokenAndUsed) {
  place_.faults["create"] = {{FakePlace::lost(), true}};
  HeldMachine held(context());
  ASSERT_TRUE(held.acquire(request_).ok());
  EXPECT_EQ(held.machine().id, "box-1");
  EXPECT_EQ(place_.count("create"), 1u);
  EXPECT_TRUE(recording_.logged("the reply to creating box box-1 was lost"));
}

TEST_F(HeldMachineTest, AServiceThatHonoursTokensIsAskedAgainAndMakesOne) {
  place_.honours_tokens = true;
  place_.faults["create"] = {{FakePlace::lost(), true}};
  HeldMachine held(context());
  ASSERT_TRUE(held.acquire(request_).ok());
  EXPECT_EQ(place_.machines.size(), 1u);
  Json released = Json::array();
  EXPECT_TRUE(held.release(released, false).ok());
  EXPECT_TRUE(place_.machines.empty());
  EXPECT_EQ(place_.count("find"), 0u) << "nothing is in doubt";
}

TEST_F(HeldMachineTest, AKillThatCannotBeVerifiedIsAnErrorWithTheRemedy) {
  settings_.retry_budget = Milliseconds(0);
  HeldMachine held(context());
  ASSERT_TRUE(held.acquire(request_).ok());
  place_.keeps_killed = true;
  Json released = Json::array();
  const Status status = held.release(released, false);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("box box-1 may live until its lease ends (120 s at most)"));
  EXPECT_THAT(status.error().hint, HasSubstr("osiris resources reap --adapter fake"));
  EXPECT_FALSE(released.items()[0]["verified"].as_bool());
  EXPECT_TRUE(recording_.events("resource_released").empty());
}

TEST_F(HeldMachineTest, AKeptMachineIsTakenOverByTheNextRun) {
  request_.keep_key = "key";
  request_.wanted.metadata[meta::kKeep] = "key";
  Json released = Json::array();
  {
    HeldMachine first(context());
    ASSERT_TRUE(first.acquire(request_).ok());
    first.leaves({"/home/box/.osiris/inputs/1/a.csv"});
    ASSERT_TRUE(first.release(released, true).ok());
    EXPECT_TRUE(released.items()[0]["kept"].as_bool());
  }
  request_.wanted.metadata[meta::kRun] = "run-2";
  HeldMachine second(context());
  ASSERT_TRUE(second.acquire(request_).ok());
  EXPECT_TRUE(second.was_kept());
  EXPECT_EQ(second.machine().id, "box-1");
  EXPECT_THAT(second.kept_files(), ElementsAre("/home/box/.osiris/inputs/1/a.csv"));
}

TEST_F(HeldMachineTest, AMachineOfARunThatDiedIsGivenUpAndNotUsed) {
  request_.keep_key = "key";
  request_.wanted.metadata[meta::kKeep] = "key";
  {
    HeldMachine died(context());
    ASSERT_TRUE(died.acquire(request_).ok());
  }
  request_.wanted.metadata[meta::kRun] = "run-2";
  HeldMachine next(context());
  ASSERT_TRUE(next.acquire(request_).ok());
  EXPECT_FALSE(next.was_kept());
  EXPECT_EQ(next.machine().id, "box-2");
  EXPECT_EQ(place_.machines.count("box-1"), 0u);
}

TEST_F(HeldMachineTest, ThatNothingWouldRenewIsNotHeld) {
  HeldMachine held(context());
  const NoMoreThreads none;
  const Status acquired = held.acquire(request_);
  ASSERT_FALSE(acquired.ok());
  EXPECT_EQ(acquired.error().message, "the lease cannot be renewed: the machine has no more threads");
  Json released = Json::array();
  EXPECT_TRUE(held.release(released, false).ok());
  EXPECT_TRUE(place_.machines.empty());
}

}  // namespace
}  // namespace osiris::sdk
