#include "protocol/model/shards.h"

#include <gtest/gtest.h>

#include "protocol/model/plan.h"

namespace osiris {
namespace {

Json parse(std::string_view text) { return *parse_json(text); }

TEST(Shards, PlaceholdersAreFilledWhereverTheyStand) {
  const Shard shard{3, Json("in/a.csv.gz"), "in/a.csv.gz", "a"};
  EXPECT_EQ(fill_shard("out/${shard.index}-${shard.stem}.csv", shard), "out/3-a.csv");
  EXPECT_EQ(fill_shard("${shard.value}", shard), "in/a.csv.gz");
  EXPECT_EQ(fill_shard("${shard.other} ${params.x} ${shard.index", shard), "${shard.other} ${params.x} ${shard.index");
  EXPECT_EQ(fill_shard("", shard), "");
  EXPECT_EQ(shard.shown(), "shard 3 (in/a.csv.gz)");
}

TEST(Shards, AnUnknownPlaceholderIsNamed) {
  EXPECT_EQ(unknown_shard_placeholder("${shard.index}/${shard.stem}/${shard.value}/${params.x}"), "");
  EXPECT_EQ(unknown_shard_placeholder("a/${shard.name}"), "${shard.name}");
  EXPECT_EQ(unknown_shard_placeholder("a/${shard.index"), "${shard.index");
}

TEST(Shards, AConfigIsFilledInDepthAndItsSqlGetsTheValue) {
  StepShards shards;
  const Shard shard{0, Json(1.5), "1.50", "1.50"};
  const Json config =
      parse(R"({"path":"${shard.value}","n":1,"args":["-x","${shard.index}"],"m":{"k":"${shard.stem}"}})");
  EXPECT_EQ(config_of_shard(config, shards, shard),
            parse(R"({"path":"1.50","n":1,"args":["-x","0"],"m":{"k":"1.50"}})"));
  shards.binds_value = true;
  EXPECT_EQ(config_of_shard(parse(R"({"values":{"a":1}})"), shards, shard), parse(R"({"values":{"a":1,"shard":1.5}})"));
}

TEST(Shards, TheyTravelInThePlan) {
  PlanStep step;
  step.id = "read";
  step.driver = "d";
  StepShards shards;
  shards.rule = parse(R"({"files":"*.csv"})");
  shards.per_shard = shards.binds_value = true;
  shards.parallel_max = 2;
  shards.list = {{0, Json("a.csv"), "a.csv", "a"}, {1, Json(0.5), "0.50", "0.50"}, {2, Json(7), "7", "7"}};
  step.shards = shards;
  PlanFile file{"a.csv", "/w/a.csv", "${shard.value}", false};
  file.size_bytes = 5;
  file.modified_ns = 1'700'000'000'000'000'001;
  step.input_files = {file};
  const auto back = plan_step_from_json(*parse_json(to_json(step).dump()));
  ASSERT_TRUE(back.ok()) << back.error().message;
  ASSERT_TRUE(back->shards);
  EXPECT_EQ(back->shards->rule, shards.rule);
  EXPECT_TRUE(back->shards->per_shard && back->shards->binds_value);
  EXPECT_EQ(back->shards->parallel_max, 2u);
  EXPECT_EQ(back->shards->list, shards.list);
  EXPECT_EQ(back->input_files[0].size_bytes, 5u);
  EXPECT_EQ(back->input_files[0].modified_ns, 1'700'000'000'000'000'001);
}

TEST(Shards, APlanWithoutThemSaysNothingOfThem) {
  PlanStep step;
  step.id = "read";
  step.driver = "d";
  step.input_files = {{"a", "/a", "", false}};
  const std::string text = to_json(step).dump();
  for (const char* word : {"shard", "size_bytes", "modified_ns"}) EXPECT_EQ(text.find(word), std::string::npos) << word;
}

TEST(Shards, AListThatIsNoneIsRefused) {
  for (const char* shards : {R"({})", R"({"list":[{}]})", R"({"list":[{"value":true}]})", R"({"list":5})"}) {
    Json step = Json::object({{"id", "a"}, {"driver", "d"}});
    step.set("shards", parse(shards));
    EXPECT_FALSE(plan_step_from_json(step).ok()) << shards;
  }
}

}  // namespace
}  // namespace osiris
