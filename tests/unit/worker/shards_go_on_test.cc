// Shards that fail where the others go on (`on_failure: continue`): what runs, what is skipped, and what is said of it.
#include "tests/unit/worker/shards_fixture.h"

namespace osiris::worker {
namespace {

using ::testing::HasSubstr;

class ShardsGoOn : public ShardsTest {
 protected:
  static Json go_on(Json made) {
    made.find("shards")->set("on_failure", "continue");
    return made;
  }
  Json save(const std::string& from) {
    Json made = per_shard(step("save", "filesystem.csv_writer", {from}, Json::object({{"path", "${shard.stem}.out"}})));
    made.set("mode", "write");
    return go_on(std::move(made));
  }
  bool is_written(const std::string& name) const { return std::filesystem::exists(directory_ / "work" / name); }
  static std::vector<int64_t> indices(const Json& list) {
    std::vector<int64_t> all;
    for (const Json& each : list.items()) all.push_back(each.as_int());
    return all;
  }
  void run_all(const std::vector<Json>& steps) {
    plan(steps);
    for (const Json& each : steps) ask(each["id"].as_string());
  }
};

TEST_F(ShardsGoOn, TheOthersComeToTheirEndAndNothingIsMadeOfTheUnion) {
  write("a.csv", "id\n1\n");
  write("b.csv", "id\n1,2,3\n");
  write("c.csv", "id\n3\n");
  Json twice = go_on(per_shard(sql("twice", "SELECT 2 * id AS id FROM df_read", {"read"})));
  run_all({go_on(reader()), twice, save("twice"), sql("total", "SELECT sum(id) AS s FROM df_read", {"read"}),
           step("show", "consume", {"total"}), sql("alone", "SELECT 1 AS one", {})});
  const Error failed = error("read");
  EXPECT_THAT(failed.message, HasSubstr("1 of its 3 shards failed: shard 1 (b.csv): "));
  EXPECT_EQ(indices(failed.detail[kIncompleteShards]["failed"]), (std::vector<int64_t>{1}));
  for (const char* after : {"twice", "save"}) {
    EXPECT_THAT(error(after).message, HasSubstr("1 of its 3 shards did not run")) << after;
    EXPECT_THAT(error(after).message, HasSubstr("shard 1 (b.csv)")) << after;
    EXPECT_EQ(error(after).category, "runtime.dependency_failed") << after;
    EXPECT_EQ(indices(error(after).detail[kIncompleteShards]["not_run"]), (std::vector<int64_t>{1})) << after;
  }
  EXPECT_EQ(*read_file(directory_ / "work/a.out"), "id\n2\n");
  EXPECT_EQ(*read_file(directory_ / "work/c.out"), "id\n6\n");
  EXPECT_FALSE(is_written("b.out"));
  for (const char* over_the_union : {"total", "show"}) {
    EXPECT_EQ(error(over_the_union).detail["skipped"], Json(true)) << over_the_union;
    EXPECT_EQ(error(over_the_union).detail["cause"], Json("read")) << over_the_union;
  }
  EXPECT_EQ(result("alone")["metrics"]["rows_out"].as_int(), 1) << "it needs none of them";
  std::vector<Json> told;
  for (const Json& event : sink_.events())
    if (event["event"].as_string() == "shard_failed") told.push_back(event);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0]["step_id"], Json("read"));
  EXPECT_EQ(told[0]["shard"], Json(1));
  EXPECT_EQ(told[0]["value"], Json("b.csv"));
  EXPECT_THAT(told[0]["error"].as_string(), HasSubstr("shard 1 (b.csv)"));
  EXPECT_EQ(finish()["artifacts"].size(), 2u) << "what was written is named";
}

TEST_F(ShardsGoOn, WithoutItTheFirstFailureEndsAll) {
  write("a.csv", "id\n1,2\n");
  write("b.csv", "id\n1\n");
  Json writes =
      per_shard(step("save", "filesystem.csv_writer", {"read"}, Json::object({{"path", "${shard.stem}.out"}})));
  writes.set("mode", "write");
  run_all({reader(), writes});
  EXPECT_THAT(error("read").message, HasSubstr("shard 0 (a.csv)"));
  EXPECT_EQ(error("save").detail["skipped"], Json(true));
  EXPECT_FALSE(is_written("b.out"));
}

TEST_F(ShardsGoOn, WhereAllFailWhatFollowsIsSkipped) {
  write("a.csv", "id\n1,2\n");
  write("b.csv", "id\n1,2\n");
  run_all({go_on(reader()), save("read")});
  EXPECT_THAT(error("read").message, HasSubstr("2 of its 2 shards failed: shard 0 (a.csv): "));
  EXPECT_THAT(error("read").message, HasSubstr("; shard 1 (b.csv): "));
  EXPECT_EQ(error("save").detail["cause"], Json("read"));
}

TEST_F(ShardsGoOn, AFailureInALaterStepIsOfThatStep) {
  write("a.csv", "id\n1\n");
  write("b.csv", "id\n0\n");
  Json checked = go_on(
      per_shard(sql("divide", "SELECT CASE WHEN id = 0 THEN error('zero') ELSE id END AS id FROM df_read", {"read"})));
  run_all({go_on(reader()), checked, save("divide"), sql("all", "SELECT count(*) AS n FROM df_read", {"read"})});
  EXPECT_EQ(result("read")["shards"]["accepted"].as_int(), 2);
  EXPECT_THAT(error("divide").message, HasSubstr("1 of its 2 shards failed: shard 1 (b.csv)"));
  EXPECT_EQ(result("all")["metrics"]["rows_out"].as_int(), 1) << "the union that it reads is whole";
  EXPECT_THAT(error("save").message, HasSubstr("1 of its 2 shards did not run"));
  EXPECT_TRUE(is_written("a.out"));
  EXPECT_FALSE(is_written("b.out"));
}

// A step that is asked for after the shards have failed is judged as one that waited for them.
TEST_F(ShardsGoOn, StepsThatAreAskedForLaterAreSkippedToo) {
  write("a.csv", "id\n1\n");
  write("b.csv", "id\n1,2\n");
  const std::vector<Json> steps = {go_on(reader()), save("read"), sql("all", "SELECT * FROM df_read", {"read"}),
                                   step("show", "consume", {"all"})};
  plan(steps);
  ask("read");
  error("read");
  for (const char* late : {"save", "all", "show"}) ask(late);
  EXPECT_EQ(error("all").detail["cause"], Json("read"));
  EXPECT_EQ(error("show").detail["cause"], Json("read"));
  EXPECT_THAT(error("save").message, HasSubstr("did not run"));
  EXPECT_TRUE(is_written("a.out"));
}

TEST_F(ShardsGoOn, ARetryComesFirstAndACancelStopsAll) {
  Json read = go_on(one_row_step({"1", "2", "3"}, R"("fail":"2")"));
  read.set("retry", parse(R"({"max_attempts":3,"delay_s":0.001})"));
  EXPECT_EQ(seen({read}, "SELECT string_agg(n::VARCHAR, ';') AS t FROM df_read"), "1;2;3");
  outcomes_.clear();
  Json slow = step("slow", "until_cancelled", {}, Json::object({{"x", "${shard.value}"}}));
  slow.set("shards", shards_of({"1", "2", "3"}));
  plan({go_on(slow)});
  ask("slow");
  gate->wait_for_waiters(1);
  executor_->cancel("test");
  gate->open();
  EXPECT_EQ(error("slow").code, Code::kCancelled);
}

}  // namespace
}  // namespace osiris::worker
