// Which shard runs where: order, limits, and what is refused.
#include "plugins/sdk/fleet/shard_scheduler.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <optional>

namespace osiris::sdk {
namespace {

using ::testing::HasSubstr;

std::vector<FleetShard> shards(const std::vector<uint64_t>& sizes, size_t list = 0) {
  std::vector<FleetShard> made;
  for (const uint64_t size : sizes) made.push_back({"shard " + std::to_string(made.size()), list, size});
  return made;
}

std::vector<size_t> order(ShardScheduler& scheduler) {
  std::vector<size_t> taken;
  while (const auto attempt = scheduler.take("m" + std::to_string(taken.size()))) taken.push_back(attempt->shard);
  return taken;
}

TEST(ShardScheduler, TheLongestComesFirstAndWhatIsNotKnownInItsOrder) {
  ShardScheduler known(shards({3, 9, 5, 9}), {});
  EXPECT_EQ(order(known), (std::vector<size_t>{1, 3, 2, 0}));
  ShardScheduler unknown(shards({0, 0, 4, 0}), {});
  EXPECT_EQ(order(unknown), (std::vector<size_t>{2, 0, 1, 3}));
}

TEST(ShardScheduler, AListHasItsOwnLimitOverAllMachines) {
  auto two = shards({0, 0, 0});
  for (FleetShard& shard : shards({0, 0}, 1)) two.push_back(shard);
  ShardScheduler scheduler(two, {.parallel_max = {1, 0}});
  EXPECT_EQ(order(scheduler), (std::vector<size_t>{0, 3, 4}));
  EXPECT_TRUE(scheduler.has_work());
}

TEST(ShardScheduler, WhatIsClaimedIsAcceptedOnce) {
  ShardScheduler scheduler(shards({0}), {});
  const auto attempt = *scheduler.take("a");
  EXPECT_FALSE(scheduler.is_over());
  EXPECT_TRUE(scheduler.claim(attempt));
  EXPECT_FALSE(scheduler.claim(attempt)) << "a second time";
  scheduler.accepted(attempt);
  scheduler.accepted(attempt);
  EXPECT_EQ(scheduler.accepted_count(), 1u);
  EXPECT_TRUE(scheduler.is_over());
  EXPECT_TRUE(scheduler.all_accepted());
}

TEST(ShardScheduler, TheFirstMachineIsSucceededByOneThatHasNothingToRun) {
  ShardScheduler scheduler(shards({0, 0, 0}), {.machines = 2});
  EXPECT_FALSE(scheduler.succeed("b")) << "the first one is there";
  const auto attempt = *scheduler.take("b");
  scheduler.lost("c", "it is silent", 10);
  scheduler.want_successor();
  EXPECT_FALSE(scheduler.succeed("b")) << "it runs a shard";
  EXPECT_FALSE(scheduler.succeed("c")) << "it is lost";
  EXPECT_TRUE(scheduler.claim(attempt));
  EXPECT_FALSE(scheduler.succeed("b")) << "its result is being put in its place";
  scheduler.accepted(attempt);
  EXPECT_TRUE(scheduler.succeed("b"));
  EXPECT_FALSE(scheduler.succeed("d")) << "one is enough";
  scheduler.want_successor();
  scheduler.want_successor(false);
  EXPECT_FALSE(scheduler.succeed("d")) << "none is wanted any more";
}

TEST(ShardScheduler, AMachineHoldsTheNextShardWhileThereIsOneForEach) {
  ShardScheduler scheduler(shards({0, 0, 0, 0, 0}), {.machines = 2});
  EXPECT_FALSE(scheduler.take_ahead("a")) << "it runs none";
  const auto first = *scheduler.take("a");
  const auto next = scheduler.take_ahead("a");
  ASSERT_TRUE(next);
  EXPECT_EQ(next->shard, 1u);
  EXPECT_FALSE(scheduler.take_ahead("a")) << "one";
  EXPECT_FALSE(scheduler.claim(*next)) << "its machine is at the shard before";
  ASSERT_TRUE(scheduler.take("b"));
  ASSERT_TRUE(scheduler.take_ahead("b"));
  ASSERT_TRUE(scheduler.claim(first));
  scheduler.accepted(first);
  EXPECT_TRUE(scheduler.claim(*next)) << "it has become the machine's";
  EXPECT_TRUE(scheduler.take_ahead("a"));
  EXPECT_FALSE(scheduler.is_over());
}

TEST(ShardScheduler, TheLastShardsAreForWhoComesFirst) {
  ShardScheduler scheduler(shards({0, 0, 0}), {.machines = 3});
  ASSERT_TRUE(scheduler.take("a"));
  EXPECT_FALSE(scheduler.take_ahead("a"));
  EXPECT_TRUE(scheduler.take("b"));
  EXPECT_TRUE(scheduler.take("c"));
}

TEST(ShardScheduler, AnIdleMachineAsksForWhatAnotherOneHolds) {
  ShardScheduler scheduler(shards({0, 0, 9}), {});
  const auto longest = *scheduler.take("a");
  const auto held = *scheduler.take_ahead("a");
  const auto other = *scheduler.take("b");
  EXPECT_FALSE(scheduler.ask_back("b")) << "it is at work";
  ASSERT_TRUE(scheduler.claim(other));
  scheduler.accepted(other);
  EXPECT_FALSE(scheduler.has_work());
  const auto asked = scheduler.ask_back("b");
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->id, held.id);
  EXPECT_EQ(asked->machine, "a");
  EXPECT_TRUE(scheduler.is_asked_back(held));
  EXPECT_TRUE(scheduler.has_work()) << "it is worth waiting for";
  EXPECT_FALSE(scheduler.ask_back("c")) << "once";
  scheduler.give_back(*asked);
  const auto again = scheduler.take("b");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->shard, held.shard);
  EXPECT_EQ(again->number, 1u);
  EXPECT_FALSE(scheduler.claim(held));
  EXPECT_TRUE(scheduler.claim(longest));
}

TEST(ShardScheduler, WhatHasBegunIsNotAskedFor) {
  ShardScheduler scheduler(shards({0, 0}), {});
  const auto first = *scheduler.take("a");
  const auto held = *scheduler.take_ahead("a");
  ASSERT_TRUE(scheduler.ask_back("b"));
  ASSERT_TRUE(scheduler.claim(first));
  scheduler.accepted(first);
  EXPECT_FALSE(scheduler.is_asked_back(held)) << "its turn has come";
  EXPECT_FALSE(scheduler.has_work());
  EXPECT_FALSE(scheduler.ask_back("b"));
  EXPECT_TRUE(scheduler.claim(held));
}

// Neither a shard of another list nor one machine more fits the limit: what is held takes the place of what ends.
TEST(ShardScheduler, WhatIsHeldTakesThePlaceInItsListsLimit) {
  auto two = shards({0, 0, 0, 0});
  for (FleetShard& shard : shards({9, 9, 9}, 1)) two.push_back(shard);
  ShardScheduler scheduler(two, {.parallel_max = {1, 1}, .goes_on = {true, true}});
  const auto of_one = *scheduler.take("a");
  EXPECT_EQ(of_one.shard, 4u) << "the longest";
  const auto of_zero = *scheduler.take("b");
  EXPECT_FALSE(scheduler.take("c")) << "both lists are full";
  const auto ahead = *scheduler.take_ahead("b");
  EXPECT_EQ(ahead.shard, 1u) << "of the list of what it runs";
  scheduler.failed(of_zero, Error(Code::kStepFailed, "bad"));
  EXPECT_FALSE(scheduler.take("c"));
  EXPECT_TRUE(scheduler.claim(ahead));
}

TEST(ShardScheduler, WhatALostMachineHeldRunsElsewhereAndCountsNoAttempt) {
  ShardScheduler scheduler(shards({0, 0, 0}), {.attempts_max = 1, .replacements_max = 1});
  const auto running = *scheduler.take("a");
  const auto ahead = *scheduler.take_ahead("a");
  scheduler.lost("a", "killed", 100);
  EXPECT_EQ(scheduler.take("b")->shard, 2u) << "a may still come to it";
  scheduler.gone("a");
  EXPECT_EQ(scheduler.failures().size(), 1u) << "what ran there has had its one attempt";
  EXPECT_FALSE(scheduler.claim(running));
  EXPECT_FALSE(scheduler.claim(ahead));
  EXPECT_FALSE(scheduler.is_over()) << "b is at work";
}

TEST(ShardScheduler, WhatWasClaimedLetsALostMachinesNextWait) {
  ShardScheduler scheduler(shards({0, 0}), {});
  const auto running = *scheduler.take("a");
  const auto ahead = *scheduler.take_ahead("a");
  ASSERT_TRUE(scheduler.claim(running));
  scheduler.lost("a", "killed", 100);
  scheduler.accepted(running);
  EXPECT_FALSE(scheduler.claim(ahead));
  EXPECT_FALSE(scheduler.take("b"));
  scheduler.gone("a");
  const auto again = scheduler.take("b");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->shard, 1u);
  EXPECT_EQ(again->number, 1u);
}

TEST(ShardScheduler, ALostMachineKeepsItsShardUntilItIsGone) {
  ShardScheduler scheduler(shards({0}), {.replacements_max = 1});
  const auto first = *scheduler.take("a");
  scheduler.lost("a", "silence", 100);
  EXPECT_FALSE(scheduler.claim(first)) << "late";
  EXPECT_FALSE(scheduler.take("b")) << "it may still run there";
  EXPECT_FALSE(scheduler.is_over());
  EXPECT_EQ(scheduler.next_tick_ns(), 100);
  scheduler.tick(99);
  EXPECT_FALSE(scheduler.take("b"));
  scheduler.tick(100);
  EXPECT_EQ(scheduler.next_tick_ns(), std::nullopt);
  const auto second = scheduler.take("b");
  ASSERT_TRUE(second);
  EXPECT_EQ(second->number, 2u);
  EXPECT_FALSE(scheduler.take("a")) << "given up";
  EXPECT_FALSE(scheduler.claim(first));
  scheduler.failed(first, Error(Code::kStepFailed, "late"));
  EXPECT_TRUE(scheduler.failures().empty());
  EXPECT_TRUE(scheduler.claim(*second));
}

// A machine that is lost while its result is put in place takes nothing back.
TEST(ShardScheduler, WhatWasClaimedBeforeItsMachineWasLostStays) {
  ShardScheduler scheduler(shards({0}), {});
  const auto attempt = *scheduler.take("a");
  ASSERT_TRUE(scheduler.claim(attempt));
  scheduler.lost("a", "killed", 0);
  scheduler.gone("a");
  EXPECT_FALSE(scheduler.take("b"));
  scheduler.accepted(attempt);
  EXPECT_TRUE(scheduler.all_accepted());
}

TEST(ShardScheduler, AShardThatLosesItsMachineThreeTimesFailsAndSaysWhy) {
  ShardScheduler scheduler(shards({7, 8}), {.replacements_max = 9});
  for (const char* machine : {"a", "b", "c"}) {
    ASSERT_EQ(scheduler.take(machine)->shard, 1u);
    scheduler.lost(machine, std::string("box ") + machine + " is gone", 0);
    scheduler.gone(machine);
  }
  ASSERT_EQ(scheduler.failures().size(), 1u);
  EXPECT_EQ(scheduler.failures()[0].shard, 1u);
  EXPECT_THAT(scheduler.failures()[0].error.message, HasSubstr("shard 1 was run 3 times"));
  EXPECT_THAT(scheduler.failures()[0].error.message, HasSubstr("box a is gone; box b is gone; box c is gone"));
  EXPECT_FALSE(scheduler.take("d")) << "the first failure stops the others";
  EXPECT_TRUE(scheduler.is_over());
  EXPECT_FALSE(scheduler.all_accepted());
}

TEST(ShardScheduler, WhereFailuresDoNotStopTheOthersGoOn) {
  ShardScheduler scheduler(shards({0, 0}), {.goes_on = {true}});
  const auto first = *scheduler.take("a");
  scheduler.failed(first, Error(Code::kStepFailed, "no"));
  const auto second = scheduler.take("a");
  ASSERT_TRUE(second);
  EXPECT_FALSE(scheduler.is_over());
  EXPECT_TRUE(scheduler.claim(*second));
  scheduler.accepted(*second);
  EXPECT_TRUE(scheduler.is_over());
  EXPECT_FALSE(scheduler.all_accepted());
}

TEST(ShardScheduler, AListThatBeginsAgainIsAcceptedOnce) {
  ShardScheduler scheduler(shards({0, 0, 0}), {});
  const auto first = scheduler.take("a"), second = scheduler.take("b");
  ASSERT_TRUE(first && second);
  ASSERT_TRUE(scheduler.claim(*first));
  scheduler.accepted(*first);
  scheduler.restart(0);
  EXPECT_EQ(scheduler.accepted_count(), 0u);
  EXPECT_TRUE(scheduler.is_outdated(*second));
  EXPECT_FALSE(scheduler.claim(*second)) << "of before";
  std::vector<size_t> handed_out;
  while (const auto next = scheduler.take("c")) handed_out.push_back(next->shard);
  EXPECT_EQ(handed_out.size(), 2u) << "the one that runs is not run twice at the same time";
  scheduler.give_back(*second);
  const auto again = scheduler.take("b");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->shard, second->shard);
  EXPECT_GT(again->number, second->number) << "attempts have names of their own";
  EXPECT_FALSE(scheduler.is_outdated(*again));
}

TEST(ShardScheduler, WhatFailedBeforeARestartIsForgotten) {
  ShardScheduler scheduler(shards({0, 0}), {.goes_on = {true}});
  const auto failing = scheduler.take("a"), running = scheduler.take("b");
  ASSERT_TRUE(failing && running);
  scheduler.failed(*failing, Error(Code::kStepFailed, "the snapshot is gone"));
  EXPECT_FALSE(scheduler.has_ended(0));
  scheduler.restart(0);
  EXPECT_TRUE(scheduler.failures().empty());
  scheduler.failed(*running, Error(Code::kStepFailed, "the snapshot is gone"));
  EXPECT_TRUE(scheduler.failures().empty());
  for (int i = 0; i < 2; ++i) {
    const auto attempt = scheduler.take("a");
    ASSERT_TRUE(attempt && scheduler.claim(*attempt));
    scheduler.accepted(*attempt);
  }
  EXPECT_TRUE(scheduler.all_accepted() && scheduler.has_ended(0) && scheduler.is_over());
}

// As many as a list may have.
TEST(ShardScheduler, AHundredThousandShardsAreHandedOutAndAcceptedOnce) {
  constexpr size_t kMany = 100'000, kMachines = 16;
  ShardScheduler scheduler(std::vector<FleetShard>(kMany), {.machines = kMachines});
  std::vector<int> accepted(kMany);
  std::vector<std::optional<ShardScheduler::Attempt>> runs(kMachines);
  for (size_t i = 0; !scheduler.is_over(); i = (i + 1) % kMachines) {
    const std::string machine = "m" + std::to_string(i);
    if (runs[i]) {
      ASSERT_TRUE(scheduler.claim(*runs[i]));
      scheduler.accepted(*runs[i]);
      ++accepted[runs[i]->shard];
    }
    runs[i] = scheduler.take(machine);
  }
  EXPECT_TRUE(scheduler.all_accepted());
  EXPECT_EQ(std::count(accepted.begin(), accepted.end(), 1), static_cast<ptrdiff_t>(kMany));
}

TEST(ShardScheduler, ThereAreOnlySoManyReplacements) {
  ShardScheduler scheduler(shards({0}), {.replacements_max = 2});
  EXPECT_TRUE(scheduler.take_replacement());
  EXPECT_TRUE(scheduler.take_replacement());
  EXPECT_FALSE(scheduler.take_replacement());
  EXPECT_EQ(scheduler.replacements(), 2u);
}

TEST(ShardScheduler, WhatIsGivenBackIsNoAttempt) {
  ShardScheduler scheduler(shards({1, 2}), {});
  const auto attempt = *scheduler.take("a");
  EXPECT_EQ(attempt.shard, 1u);
  scheduler.give_back(attempt);
  EXPECT_FALSE(scheduler.claim(attempt));
  const auto again = *scheduler.take("b");
  EXPECT_EQ(again.shard, 1u);
  EXPECT_EQ(again.number, 1u);
}

}  // namespace
}  // namespace osiris::sdk
