// A plan taken apart: what each part runs, what it is given, and what travels with it.
#include "plugins/sdk/fleet/fleet_plan.h"

#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>

#include "plugins/sdk/package/run_package.h"

namespace osiris::sdk {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

class FleetPlans : public testing::Test {
 protected:
  FleetPlans() {
    std::string name = "/tmp/osiris-fleet-XXXXXX";
    directory_ = ::mkdtemp(name.data());
    std::ofstream(directory_ / "a.csv") << "n\n1\n";
    std::ofstream(directory_ / "b.csv") << "n\n22\n";
  }
  ~FleetPlans() override { fs::remove_all(directory_); }

  std::string shards(const std::string& more) const {
    return R"("shards":{"foreach":{"files":"*.csv"},"list":[{"value":"a.csv","stem":"a"},{"value":"b.csv","stem":"b"}])" +
           more + "}";
  }
  std::string file(const std::string& name) const {
    struct stat info{};
    ::stat((directory_ / name).c_str(), &info);
    return R"({"path":")" + name + R"(","source":")" + (directory_ / name).string() +
           R"(","pattern":"${shard.value}","size_bytes":)" + std::to_string(info.st_size) + R"(,"modified_ns":)" +
           std::to_string(info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec) + "}";
  }
  // names -> joined <- read; joined -> save (a file per shard), joined -> total -> report
  void make(const std::string& of_read = "", const std::string& of_connection = "") {
    const std::string steps =
        R"([{"id":"names","driver":"d","mode":"transform","cfg":{}},)"
        R"({"id":"read","driver":"d","mode":"extract","connection":"@db.x","cfg":{"path":"${shard.value}"},"input_files":[)" +
        file("a.csv") + "," + file("b.csv") + "]," + shards("") + of_read +
        R"(},{"id":"joined","driver":"d","mode":"transform","cfg":{},"needs":["read","names"],"inputs":{)"
        R"("df_read":{"from_step":"read","in_shards":true},"df_names":{"from_step":"names"}},)" +
        shards(R"(,"per_shard":true)") +
        R"(},{"id":"save","driver":"d","mode":"write","cfg":{"path":"out/${shard.stem}.csv"},"needs":["joined"],)"
        R"("inputs":{"df_joined":{"from_step":"joined","in_shards":true}},"outputs":[)"
        R"({"path":"out/a.csv","target":"/w/out/a.csv"},{"path":"out/b.csv","target":"/w/out/b.csv"}],)" +
        shards(R"(,"per_shard":true)") +
        R"(},{"id":"total","driver":"d","mode":"transform","cfg":{},"needs":["joined"],"inputs":{)"
        R"("df_joined":{"from_step":"joined"}}},)"
        R"({"id":"report","driver":"d","mode":"write","connection":"@db.y","cfg":{},"needs":["total"],"inputs":{)"
        R"("df_total":{"from_step":"total"}}}])";
    auto manifest = parse_json(R"({"steps":)" + steps + "}");
    ASSERT_TRUE(manifest.ok()) << manifest.error().message;
    const Status read = request_.set_manifest(*manifest);
    ASSERT_TRUE(read.ok()) << read.error().message;
    request_.run_id = "run-1";
    request_.connections =
        *parse_json(R"({"connections":{"@db.x":{"fields":{)" + of_connection + R"(}},"@db.y":{"fields":{}}}})");
    auto prepared = prepared_document(request_, {.hash_inputs = true, .environment_names = {}, .options = {}});
    ASSERT_TRUE(prepared.ok()) << prepared.error().message;
    request_.prepared = *prepared;
  }
  FleetPlan taken_apart() const {
    FleetPlan plan(request_, 8);
    EXPECT_TRUE(plan.index_inputs().ok());
    return plan;
  }
  static std::vector<std::string> ids(const RunRequest& part) { return part.step_ids(); }
  static const PlanStep& step(const RunRequest& part, const std::string& id) {
    for (const PlanStep& each : part.steps())
      if (each.id == id) return each;
    throw std::out_of_range(id);
  }
  static std::vector<std::string> travelling(const RunRequest& part) {
    std::vector<std::string> inputs;
    for (const Json& entry : part.prepared["files"].items())
      if (entry.contains("input")) inputs.push_back(entry["input"].as_string());
    return inputs;
  }
  BroughtRows rows(const std::string& name, uint64_t count) const {
    return {directory_ / name, {.sha256 = "hash-of-" + name, .size_bytes = 7}, count, 0, count};
  }

  fs::path directory_;
  RunRequest request_;
};

TEST_F(FleetPlans, HasThreeParts) {
  make();
  const FleetPlan plan = taken_apart();
  EXPECT_EQ(plan.machines(), 2u) << "no more than shards";
  EXPECT_EQ(plan.shard_count(), 2u);
  EXPECT_THAT(plan.before(), ElementsAre("names"));
  ASSERT_EQ(plan.lists().size(), 1u);
  EXPECT_EQ(plan.lists()[0].steps.size(), 3u);
  EXPECT_TRUE(plan.leaves_rows("joined") && plan.leaves_rows("names") && !plan.leaves_rows("read"));
  EXPECT_TRUE(plan.is_read_in_shards("read") && plan.is_read_in_shards("joined"));
  EXPECT_EQ(plan.shards()[1].size_bytes, 5u);
  EXPECT_EQ(plan.shards()[1].shown, "shard 1 (b.csv)");
}

TEST_F(FleetPlans, WhatShardsNeedFirstRunsAndLeavesItsRows) {
  make();
  const FleetPlan plan = taken_apart();
  const auto part = plan.part_before();
  ASSERT_TRUE(part.ok()) << part.error().message;
  EXPECT_THAT(ids(*part), ElementsAre("names"));
  EXPECT_EQ(step(*part, "names").kept.use, StepUse::kKeep);
  EXPECT_EQ(part->connections["connections"].size(), 0u);
}

TEST_F(FleetPlans, AShardHasItsOwnFilesAndConnectionsOnly) {
  make();
  const FleetPlan plan = taken_apart();
  const auto part = plan.part_of_shard(0, 1, {{"names", {rows("names.parquet", 3)}}});
  ASSERT_TRUE(part.ok()) << part.error().message;
  EXPECT_THAT(ids(*part), ElementsAre("names", "read", "joined", "save"));
  EXPECT_EQ(step(*part, "names").kept.use, StepUse::kTake);
  EXPECT_EQ(step(*part, "names").kept.rows_out, 3u);
  EXPECT_EQ(step(*part, "read").kept.use, StepUse::kRun);
  EXPECT_EQ(step(*part, "joined").kept.use, StepUse::kKeep);
  ASSERT_EQ(step(*part, "joined").shards->list.size(), 1u);
  EXPECT_EQ(step(*part, "joined").shards->list[0].index, 1u);
  EXPECT_TRUE(step(*part, "joined").shards->tells_columns);
  ASSERT_EQ(step(*part, "save").outputs.size(), 1u);
  EXPECT_EQ(step(*part, "save").outputs[0].path, "out/b.csv");
  EXPECT_THAT(travelling(*part), ElementsAre((directory_ / "names.parquet").string(), "b.csv"));
  EXPECT_EQ(part->connections["connections"].size(), 1u);
  EXPECT_NE(part->run_id, request_.run_id);
}

TEST_F(FleetPlans, TheRestTakesTheShardsRowsInTheirOrder) {
  make();
  const FleetPlan plan = taken_apart();
  const Brought brought = {{"names", {rows("names.parquet", 3)}},
                           {"read", {{}, {}}},
                           {"joined", {rows("0.parquet", 1), rows("1.parquet", 2)}},
                           {"save", {{{}, {}, 0, 1, 0}, {{}, {}, 0, 2, 0}}}};
  const auto part = plan.part_after(brought, true);
  ASSERT_TRUE(part.ok()) << part.error().message;
  EXPECT_EQ(ids(*part), request_.step_ids());
  EXPECT_EQ(step(*part, "names").kept.use, StepUse::kDone) << "nobody reads it any more";
  EXPECT_EQ(step(*part, "read").kept.use, StepUse::kDone);
  EXPECT_EQ(step(*part, "joined").kept.use, StepUse::kTake);
  EXPECT_EQ(step(*part, "joined").kept.rows_out, 3u);
  EXPECT_EQ(step(*part, "joined").shards->list.size(), 2u);
  EXPECT_EQ(step(*part, "save").kept.use, StepUse::kDone);
  EXPECT_EQ(step(*part, "save").kept.rows_written, 3u);
  EXPECT_TRUE(step(*part, "save").outputs.empty());
  EXPECT_EQ(step(*part, "total").kept.use, StepUse::kRun);
  EXPECT_THAT(travelling(*part), ElementsAre((directory_ / "0.parquet").string(), (directory_ / "1.parquet").string()));
  EXPECT_EQ(part->run_id, request_.run_id);

  const auto again = plan.part_after(brought, false);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(step(*again, "joined").kept.use, StepUse::kRun);
  EXPECT_EQ(step(*again, "names").kept.use, StepUse::kTake);
  EXPECT_EQ(step(*again, "read").shards->list.size(), 2u);
}

TEST_F(FleetPlans, RowsThatAreToBeKeptComeAndAreKeptAsOne) {
  make(R"(,"kept":{"use":"keep","bytes_max":99})");
  const FleetPlan plan = taken_apart();
  EXPECT_TRUE(plan.leaves_rows("read")) << "though no part after the shards reads it";
  const auto shard = plan.part_of_shard(0, 0, {});
  ASSERT_TRUE(shard.ok()) << shard.error().message;
  EXPECT_EQ(step(*shard, "read").kept.use, StepUse::kKeep);
  EXPECT_EQ(step(*shard, "read").kept.bytes_max, 0u) << "the limit is of all shards together";
  const auto part = plan.part_after({{"names", {rows("names.parquet", 3)}},
                                     {"read", {rows("0.parquet", 1), rows("1.parquet", 2)}},
                                     {"joined", {rows("2.parquet", 1), rows("3.parquet", 2)}},
                                     {"save", {{}, {}}}},
                                    true);
  ASSERT_TRUE(part.ok()) << part.error().message;
  EXPECT_EQ(step(*part, "read").kept.use, StepUse::kTake);
  EXPECT_TRUE(step(*part, "read").kept.keeps);
  EXPECT_EQ(step(*part, "read").kept.bytes_max, 99u);
  EXPECT_FALSE(step(*part, "joined").kept.keeps);
}

// names -> joined <- read, of which an earlier run has kept the rows; joined -> save (a file per shard), joined ->
// total
class ResumedFleetPlans : public FleetPlans {
 protected:
  void resume(const std::string& shard_rows = "[2,1]") {
    make();
    std::ofstream(directory_ / "kept.parquet") << "rows";
    Json manifest = request_.manifest;
    for (Json& step : manifest.find("steps")->items()) {
      if (step["id"].as_string() != "read") continue;
      const std::string kept = (directory_ / "kept.parquet").string();
      step.erase("shards");
      step.erase("connection");
      step.set("input_files", Json::array({Json::object({{"path", kept}, {"source", kept}})}));
      step.set("kept", *parse_json(R"({"use":"take","run_id":"before","rows_read":9,"rows_written":0,"rows_out":3,)"
                                   R"("shard_rows":)" +
                                   shard_rows + "}"));
    }
    ASSERT_TRUE(request_.set_manifest(manifest).ok());
    auto prepared = prepared_document(request_, {.hash_inputs = true, .environment_names = {}, .options = {}});
    ASSERT_TRUE(prepared.ok()) << prepared.error().message;
    request_.prepared = *prepared;
  }
};

TEST_F(ResumedFleetPlans, KeptRowsAreCutOnceAndEachShardGetsItsOwn) {
  resume();
  const FleetPlan plan = taken_apart();
  EXPECT_EQ(plan.machines(), 2u);
  EXPECT_THAT(plan.before(), ElementsAre("names", "read"));
  ASSERT_TRUE(plan.pieces_of("read"));
  EXPECT_THAT(*plan.pieces_of("read"), ElementsAre(2, 1));
  EXPECT_FALSE(plan.pieces_of("names"));
  const auto before = plan.part_before();
  ASSERT_TRUE(before.ok()) << before.error().message;
  EXPECT_THAT(ids(*before), ElementsAre("names", "read"));
  EXPECT_TRUE(step(*before, "read").kept.in_pieces && step(*before, "read").kept.keeps);
  EXPECT_THAT(step(*before, "read").kept.shard_rows, ElementsAre(2, 1));
  EXPECT_THAT(travelling(*before), ElementsAre((directory_ / "kept.parquet").string()));

  const Brought brought = {{"names", {rows("names.parquet", 3)}},
                           {"read", {rows("0.parquet", 2), rows("1.parquet", 1)}}};
  const auto shard = plan.part_of_shard(0, 1, brought);
  ASSERT_TRUE(shard.ok()) << shard.error().message;
  EXPECT_THAT(ids(*shard), ElementsAre("names", "read", "joined", "save"));
  EXPECT_EQ(step(*shard, "read").kept.use, StepUse::kTake);
  EXPECT_EQ(step(*shard, "read").kept.rows_out, 1u);
  EXPECT_THAT(step(*shard, "read").kept.shard_rows, ElementsAre(1));
  EXPECT_FALSE(step(*shard, "read").kept.keeps);
  EXPECT_THAT(travelling(*shard),
              ElementsAre((directory_ / "names.parquet").string(), (directory_ / "1.parquet").string()));
}

TEST_F(ResumedFleetPlans, TheRestNeedsThemOnlyWhereTheShardsRunThere) {
  resume();
  const FleetPlan plan = taken_apart();
  const Brought brought = {{"names", {rows("names.parquet", 3)}},
                           {"read", {rows("0.parquet", 2), rows("1.parquet", 1)}},
                           {"joined", {rows("2.parquet", 1), rows("3.parquet", 2)}},
                           {"save", {{}, {}}}};
  const auto part = plan.part_after(brought, true);
  ASSERT_TRUE(part.ok()) << part.error().message;
  EXPECT_EQ(step(*part, "read").kept.use, StepUse::kDone);
  EXPECT_EQ(step(*part, "read").kept.rows_read, 9u) << "as the run said that made them";
  EXPECT_EQ(step(*part, "read").kept.run_id, "before");
  const auto alone = plan.part_after(brought, false);
  ASSERT_TRUE(alone.ok()) << alone.error().message;
  EXPECT_EQ(step(*alone, "read").kept.use, StepUse::kTake);
  EXPECT_EQ(step(*alone, "read").input_files[0].location, (directory_ / "kept.parquet").string());
  EXPECT_THAT(step(*alone, "read").kept.shard_rows, ElementsAre(2, 1));
}

TEST_F(ResumedFleetPlans, RowsOfAnotherListAreNoneOfTheShards) {
  resume("[1,1,1]");
  EXPECT_EQ(FleetPlan(request_, 8).machines(), 0u);
  resume("[]");
  EXPECT_EQ(FleetPlan(request_, 8).machines(), 0u);
}

TEST_F(FleetPlans, WhatNeedsAnIncompleteStepIsNotInTheRest) {
  make();
  const FleetPlan plan = taken_apart();
  const auto part = plan.part_after({{"names", {rows("names.parquet", 3)}}, {"read", {{}, {}}}}, true,
                                    {"joined", "save", "total", "report"});
  ASSERT_TRUE(part.ok()) << part.error().message;
  EXPECT_THAT(ids(*part), ElementsAre("names", "read"));
  EXPECT_EQ(step(*part, "read").kept.use, StepUse::kDone);
  EXPECT_EQ(part->connections["connections"].size(), 0u);
}

TEST_F(FleetPlans, AFileThatIsNoLongerTheListedOneIsFound) {
  make();
  const FleetPlan plan = taken_apart();
  EXPECT_TRUE(plan.check_files(0, 0).ok() && plan.check_files(0, 1).ok());
  std::ofstream(directory_ / "b.csv") << "n\n333\n";
  EXPECT_TRUE(plan.check_files(0, 0).ok());
  EXPECT_THAT(plan.check_files(0, 1).error().message, testing::HasSubstr("shard 1 (b.csv): b.csv is no longer"));
  fs::remove(directory_ / "b.csv");
  EXPECT_THAT(plan.check_files(0, 1).error().message, testing::HasSubstr("no longer there"));
}

TEST_F(FleetPlans, ALimitOfConnectionsIsForAllMachines) {
  make("", R"("max_connections":5)");
  const FleetPlan two = taken_apart();
  EXPECT_EQ(two.machines(), 2u);
  const auto part = two.part_of_shard(0, 0, {{"names", {rows("names.parquet", 3)}}});
  ASSERT_TRUE(part.ok());
  EXPECT_EQ(part->connections["connections"]["@db.x"]["fields"]["max_connections"].as_int(), 2);
  make("", R"("max_connections":1)");
  EXPECT_EQ(FleetPlan(request_, 8).machines(), 1u);
}

// read (parts of a table) -> save (a file per part)
class FleetSplits : public FleetPlans {
 protected:
  void make_split(const std::string& consistency, const std::string& fields = "") {
    const std::string shards =
        R"("shards":{"foreach":{"split":{"column":"id","parts":3)" + consistency +
        R"(},"step":"read"},"list":[{"value":"0"},{"value":"1"},{"value":"2"},{"value":"null"}])";
    auto manifest =
        parse_json(R"({"steps":[{"id":"read","driver":"d","mode":"extract","connection":"@db.x","cfg":{},)" + shards +
                   R"(}},{"id":"save","driver":"d","mode":"write","needs":["read"],)" +
                   R"("cfg":{"path":"${shard.stem}"},"inputs":{"df_read":{"from_step":"read","in_shards":true}},)" +
                   shards + R"(,"per_shard":true}}]})");
    ASSERT_TRUE(manifest.ok()) << manifest.error().message;
    const Status read = request_.set_manifest(*manifest);
    ASSERT_TRUE(read.ok()) << read.error().message;
    request_.run_id = "run-1";
    request_.connections = *parse_json(R"({"connections":{"@db.x":{"fields":{)" + fields + "}}}}");
    auto prepared = prepared_document(request_, {.hash_inputs = true, .environment_names = {}, .options = {}});
    ASSERT_TRUE(prepared.ok()) << prepared.error().message;
    request_.prepared = *prepared;
  }
};

TEST_F(FleetSplits, OneWorkerSettlesAndEachShardIsToldOfIt) {
  make_split("");
  const FleetPlan plan = taken_apart();
  EXPECT_TRUE(plan.has_source());
  EXPECT_EQ(plan.machines(), 5u) << "four shards, and the one that holds their snapshot";
  const auto settles = plan.part_to_settle();
  ASSERT_TRUE(settles.ok()) << settles.error().message;
  EXPECT_THAT(ids(*settles), ElementsAre("read"));
  EXPECT_TRUE(step(*settles, "read").shards->holds);
  EXPECT_EQ(step(*settles, "read").shards->list.size(), 4u);
  const Json settled = *parse_json(R"({"bounds":["4","9"],"snapshot":"s"})");
  const auto part = plan.part_of_shard(0, 3, {}, {{"read", settled}});
  ASSERT_TRUE(part.ok()) << part.error().message;
  EXPECT_EQ(step(*part, "read").shards->settled, settled);
  EXPECT_EQ(step(*part, "read").shards->list[0].text, "null");
  EXPECT_FALSE(step(*part, "read").shards->holds);
  EXPECT_TRUE(step(*part, "save").shards->settled.is_null());
}

TEST_F(FleetSplits, WhereThereIsNoSnapshotTheFirstReadsToo) {
  make_split(R"(,"consistency":"none")");
  const FleetPlan plan = taken_apart();
  EXPECT_FALSE(plan.has_source());
  EXPECT_EQ(plan.machines(), 4u);
  EXPECT_THAT(ids(*plan.part_to_settle()), ElementsAre("read"));
  EXPECT_EQ(FleetPlan(request_, 2).machines(), 2u);
}

TEST_F(FleetSplits, AFewMachinesOrConnectionsAreNotWorthASnapshot) {
  make_split("");
  EXPECT_EQ(FleetPlan(request_, 2).machines(), 0u);
  EXPECT_EQ(FleetPlan(request_, 3).machines(), 3u);
  make_split("", R"("max_connections":2)");
  EXPECT_EQ(FleetPlan(request_, 8).machines(), 0u);
  make_split("", R"("max_connections":4)");
  EXPECT_EQ(FleetPlan(request_, 8).machines(), 4u) << "one connection for the snapshot, three that read";
}

// They stay with all the rest: a check that reads another step.
TEST_F(FleetPlans, StepsThatOneWorkerHasToRunAreNotSpread) {
  make(
      R"(,"checks":[{"name":"c","type":"relationships","columns":["n"],"to":{"step":"names","column":"n"}}],"needs":["names"])");
  EXPECT_EQ(FleetPlan(request_, 8).machines(), 0u) << "and what follows per shard stays with it";
}

}  // namespace
}  // namespace osiris::sdk
