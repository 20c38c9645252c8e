// What a driver settles for all shards of a step before they are read, and what happens when it does not hold.
#include <gmock/gmock.h>

#include <atomic>

#include "tests/support/eventually.h"
#include "tests/unit/worker/executor_fixture.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker {
namespace {

using ::testing::HasSubstr;

std::atomic<int> settled_times, lost_times, unsettled_times;
std::atomic<bool> fails_to_settle;

class Lent : public SharedSource {
 public:
  explicit Lent(bool is_lost) : is_lost_(is_lost) {}
  bool is_lost() override { return is_lost_; }

 private:
  const bool is_lost_;
};

Result<Settled> settle(StepContext& step, const Json& rule, bool again) {
  EXPECT_FALSE(step.shard());
  EXPECT_TRUE(rule.contains("split"));
  if (fails_to_settle) return Error(Code::kUnavailable, "the source is away");
  const int times = ++settled_times;
  return Settled{Json::object({{"times", times}, {"again", again}}), std::make_unique<Lent>(times <= lost_times)};
}

// One row with the shard's number and what was settled.
Result<StepOutcome> read(StepContext& step) {
  const Json& settled = step.shard()->settled;
  if (step.shard()->index == 1 && settled_times <= lost_times) return Error(Code::kInvalidState, "the source is gone");
  if (step.shard()->index == 1 && settled_times <= unsettled_times) {
    Error error(Code::kInvalidState, "other values");
    error.detail = Json::object({{kUnsettled, true}});
    return error;
  }
  OSIRIS_TRY(sql::execute(step.connection_handle(), "CREATE TABLE " + step.output_table().quoted() + " AS SELECT " +
                                                        std::to_string(step.shard()->index) + " AS n, " +
                                                        settled["times"].dump() + " AS times, " +
                                                        settled["again"].dump() + " AS again"));
  return StepOutcome{.rows_read = 1, .rows_written = 0};
}
constexpr Driver kSettles{.name = "settles", .run = read, .settle = settle, .splits = true};

class SettledShards : public ExecutorTest {
 protected:
  SettledShards() {
    settled_times = lost_times = unsettled_times = 0;
    fails_to_settle = false;
    more_drivers = [](std::string_view name) -> const Driver* { return name == "settles" ? &kSettles : nullptr; };
  }
  Json reader(const std::string& driver = "settles") {
    Json made = step("read", driver, {}, Json::object());
    made.set("mode", "extract");
    made.set("shards", parse(R"({"foreach":{"split":{"column":"id","parts":2}},"list":[{"value":"0"},{"value":"1"},)"
                             R"({"value":"null"}]})"));
    return made;
  }
  std::vector<int64_t> of(const std::string& event, const char* field) {
    std::vector<int64_t> values;
    for (const Json& each : sink_.events())
      if (each["event"].as_string() == event) values.push_back(each[field].as_int());
    return values;
  }
};

TEST_F(SettledShards, ItIsAskedOnceAndToldBeforeARowIsRead) {
  plan({reader()});
  ask("read");
  EXPECT_EQ(result("read")["shards"]["accepted"].as_int(), 3);
  EXPECT_EQ(settled_times, 1);
  const auto names = sink_.event_names("read");
  const auto told = std::find(names.begin(), names.end(), "shards_settled");
  ASSERT_NE(told, names.end());
  EXPECT_LT(told, std::find(names.begin(), names.end(), "shard_complete"));
  EXPECT_EQ(sink_.event("shards_settled")["settled"]["times"], Json(1));
}

TEST_F(SettledShards, ShardsAndUnionHaveFingerprintsThatAddUp) {
  plan({reader()});
  ask("read");
  const std::string whole = result("read")["shards"]["fingerprint"].as_string();
  EXPECT_EQ(sink_.event("step_complete")["fingerprint"].as_string(), whole);
  __extension__ unsigned __int128 sum = 0;
  for (const Json& event : sink_.events())
    if (event["event"].as_string() == "shard_complete") sum += std::stoull(event["fingerprint"].as_string());
  std::string text;
  for (; sum > 0; sum /= 10) text.insert(text.begin(), static_cast<char>('0' + static_cast<int>(sum % 10)));
  EXPECT_EQ(text, whole);
}

TEST_F(SettledShards, AllShardsStartAgainWhenWhatTheyShareIsLost) {
  lost_times = 2;
  plan({reader()});
  ask("read");
  EXPECT_EQ(result("read")["metrics"]["rows_read"].as_int(), 3) << "those of the first times do not count";
  EXPECT_EQ(settled_times, 3);
  EXPECT_EQ(of("shards_restarted", "time"), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(of("shard_complete", "shard"), (std::vector<int64_t>{0, 0, 0, 1, 2}));
}

TEST_F(SettledShards, ThreeLossesFailTheStep) {
  lost_times = 100;
  plan({reader()});
  ask("read");
  EXPECT_THAT(error("read").message, HasSubstr("shard 1 (1): the source is gone"));
  EXPECT_EQ(settled_times, 3);
}

TEST_F(SettledShards, WhatTheFirstRowsDoNotTellIsSettledOnceMoreByAllOfThem) {
  unsettled_times = 1;
  plan({reader()});
  ask("read");
  EXPECT_EQ(result("read")["metrics"]["rows_read"].as_int(), 3);
  EXPECT_EQ(settled_times, 2);
  std::vector<Json> again;
  for (const Json& event : sink_.events())
    if (event["event"].as_string() == "shards_settled") again.push_back(event["settled"]["again"]);
  EXPECT_EQ(again, (std::vector<Json>{false, true}));
  unsettled_times = 100;
  settled_times = 0;
  outcomes_.clear();
  plan({reader()});
  ask("read");
  EXPECT_THAT(error("read").message, HasSubstr("other values"));
  EXPECT_EQ(settled_times, 2) << "all of them tell, or nothing does";
}

TEST_F(SettledShards, AFailureToSettleFailsTheStepAfterItsRetries) {
  fails_to_settle = true;
  Json made = reader();
  made.set("retry", parse(R"({"max_attempts":3,"delay_s":0.001})"));
  plan({made});
  ask("read");
  EXPECT_THAT(error("read").message, HasSubstr("the source is away"));
  const auto names = sink_.event_names("read");
  EXPECT_EQ(std::count(names.begin(), names.end(), "step_retry"), 2);
}

TEST_F(SettledShards, WhatAnotherWorkerSettledIsNotAskedFor) {
  lost_times = unsettled_times = -1;
  Json made = reader();
  made.find("shards")->set("settled", parse(R"({"times":9,"again":false})"));
  made.find("shards")->set("list", parse(R"([{"value":"1","index":1}])"));
  plan({made});
  ask("read");
  EXPECT_EQ(result("read")["metrics"]["rows_read"].as_int(), 1);
  EXPECT_EQ(settled_times, 0);
  EXPECT_EQ(of("shard_complete", "shard"), (std::vector<int64_t>{1}));
  EXPECT_TRUE(sink_.event("shards_settled").is_null());
}

TEST_F(SettledShards, WhoHoldsForOthersReadsNothingUntilItIsStopped) {
  Json made = reader();
  made.find("shards")->set("holds", true);
  plan({made});
  ask("read");
  ASSERT_TRUE(osiris::test::eventually([&] { return !sink_.event("shards_settled").is_null(); }));
  executor_->cancel("all shards are there");
  EXPECT_EQ(error("read").code, Code::kCancelled);
  EXPECT_TRUE(of("shard_complete", "shard").empty());
}

TEST_F(SettledShards, WhoHoldsForOthersSaysThatItIsLost) {
  lost_times = 1;
  Json made = reader();
  made.find("shards")->set("holds", true);
  plan({made});
  ask("read");
  EXPECT_THAT(error("read").message, HasSubstr("what its shards are read by is gone"));
}

TEST_F(SettledShards, ADriverThatDoesNotSplitIsNotAskedTo) {
  static constexpr Driver plain{.name = "plain", .run = read};
  more_drivers = [](std::string_view name) -> const Driver* { return name == "plain" ? &plain : nullptr; };
  plan({reader("plain")});
  ask("read");
  EXPECT_THAT(error("read").message, HasSubstr("does not split what it reads"));
}

}  // namespace
}  // namespace osiris::worker
