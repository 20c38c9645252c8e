#include "host/run/shard_proof.h"

#include <gmock/gmock.h>

namespace osiris {
namespace {

using ::testing::HasSubstr;

Plan plan_of(StepMode mode) {
  PlanStep step;
  step.id = "read";
  step.mode = mode;
  step.shards.emplace();
  step.shards->list = {{0, Json("a"), "a", "a"}, {1, Json("b"), "b", "b"}};
  Plan plan;
  plan.steps.push_back(step);
  return plan;
}

StepState state_of(std::vector<AcceptedShard> shards) {
  StepState state;
  state.plan.id = "read";
  state.rows_read = 5;
  state.rows_written = 6;
  state.rows_out = 7;
  state.shards = std::move(shards);
  return state;
}

std::string doubt(std::vector<AcceptedShard> shards, StepMode mode = StepMode::kExtract,
                  const std::string& whole = "0") {
  for (AcceptedShard& shard : shards)
    if (shard.fingerprint.empty()) shard.fingerprint = "0";
  StepState state = state_of(std::move(shards));
  state.fingerprint = whole;
  const Status proved = prove_shards(plan_of(mode), {state});
  return proved.ok() ? "" : proved.error().message;
}

TEST(ShardProof, EachShardIsTakenInOnceAndTheirRowsAddUp) {
  EXPECT_EQ(doubt({{0, 2}, {1, 3}}), "");
  EXPECT_EQ(doubt({{1, 6}, {0, 0}}, StepMode::kWrite), "");
  EXPECT_EQ(doubt({{0, 3}, {1, 4}}, StepMode::kTransform), "");
  EXPECT_THAT(doubt({{0, 5}}), HasSubstr("shard 1 (b) was taken in 0 times"));
  EXPECT_THAT(doubt({{0, 2}, {1, 3}, {1, 0}}), HasSubstr("shard 1 (b) was taken in 2 times"));
  EXPECT_THAT(doubt({{0, 2}, {1, 3}, {2, 0}}), HasSubstr("shard 2 is none of its list"));
  EXPECT_THAT(doubt({{0, 2}, {1, 2}}), HasSubstr("its shards have 4 rows and the step has 5"));
  EXPECT_FALSE(prove_shards(plan_of(StepMode::kExtract), {}).ok());
}

TEST(ShardProof, FingerprintsAddUpToThatOfTheUnion) {
  const std::string most = "18446744073709551615";  // of one row
  const StepMode mode = StepMode::kExtract;
  EXPECT_EQ(doubt({{0, 2, most}, {1, 3, "2"}}, mode, "18446744073709551617"), "");
  EXPECT_THAT(doubt({{0, 2, most}, {1, 3, "2"}}, mode, "18446744073709551616"), HasSubstr("do not add up"));
  EXPECT_THAT(doubt({{0, 2, "7"}, {1, 3, "x"}}, mode, "7"), HasSubstr("shard 1 (b) came without the fingerprint"));
  EXPECT_THAT(doubt({{0, 2, "7"}, {1, 3, "2"}}, mode, "nine"), HasSubstr("do not add up"));
  EXPECT_EQ(doubt({{0, 2, "7"}, {1, 3, "2"}}, mode, ""), "") << "no step reads the union";
  EXPECT_EQ(doubt({{0, 2, "x"}, {1, 4, "y"}}, StepMode::kWrite, ""), "") << "writers have no rows of their own";
}

TEST(ShardProof, TheTallyKeepsWhatEventsSay) {
  ManualClock clock(0);
  StepTally tally(clock);
  tally.on_event("step_start", "read", Json());
  tally.on_event("output_written", "read", Json::object({{"path", "out/0.csv"}, {"size_bytes", 4}, {"shard", 0}}));
  tally.on_event("shard_complete", "read", Json::object({{"shard", 0}, {"rows", 2}}));
  tally.on_event("step_retry", "read", Json::object({{"attempt", 2}, {"shard", 1}}));
  tally.on_event("shard_complete", "read", Json::object({{"shard", 1}, {"rows", 3}}));
  const StepState state = tally.steps().at(0);
  ASSERT_EQ(state.shards.size(), 2u);
  EXPECT_EQ(state.shards[1].rows, 3u);
  EXPECT_EQ(state.outputs.size(), 1u) << "another shard's retry took it away";
  tally.on_event("shards_settled", "read", Json());
  tally.on_event("shards_restarted", "read", Json::object({{"time", 2}, {"shards", Json::array({0})}}));
  ASSERT_EQ(tally.steps().at(0).shards.size(), 1u) << "one is read again, and the other was another worker's";
  EXPECT_EQ(tally.steps().at(0).shards[0].index, 1u);
  tally.on_event("shard_complete", "read", Json::object({{"shard", 0}, {"rows", 2}, {"fingerprint", "12"}}));
  tally.on_event("step_complete", "read", Json::object({{"fingerprint", "12"}}));
  EXPECT_EQ(tally.steps().at(0).shards.at(1).fingerprint, "12");
  EXPECT_EQ(tally.steps().at(0).fingerprint, "12");
  tally.on_event("step_start", "read", Json());
  EXPECT_TRUE(tally.steps().at(0).shards.empty());
}

}  // namespace
}  // namespace osiris
