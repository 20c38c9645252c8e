// `foreach: {split: …}`: who may be split, and what manifest, plan and schema say of it.
#include <gmock/gmock.h>

#include "host/compiler/json_schema.h"
#include "host/compiler/shard_list.h"
#include "tests/unit/host_compiler/compile_fixture.h"

namespace osiris {
namespace {

using ::testing::HasSubstr;

class Split : public CompileTest {
 protected:
  static std::string reader(const std::string& split, const std::string& component = "sqlite.extractor",
                            const std::string& config = "path: a.db, table: t", const std::string& id = "read") {
    return "  - {id: " + id + ", component: " + component + ", mode: read, needs: [], foreach: {split: " + split +
           "}, config: {" + config + "}}\n";
  }
  static std::string writer(const std::string& path) {
    return "  - {id: save, component: filesystem.csv_writer, mode: write, needs: [read], per_shard: true, config: "
           "{path: \"" +
           path + "\"}}\n";
  }
  CompileResult with(const std::string& steps) { return compile_text(pipeline(steps)); }
  std::string refused(const std::string& steps) {
    const CompileResult result = with(steps);
    const Diagnostic* error = find(result.diagnostics.errors(), "invalid_foreach");
    EXPECT_TRUE(error) << steps << all_text(result);
    return error ? error->message + " | " + error->hint : "";
  }
};

const char* const kNone = "{column: id, parts: 3, consistency: none}";

TEST_F(Split, ThePlanHasAShardForEachPartAndOneForRowsWithoutAValue) {
  const CompileResult result = with(reader(kNone) + writer("out/${shard.index}-${shard.stem}.csv"));
  ASSERT_TRUE(result.ok()) << all_text(result);
  EXPECT_EQ(result.pipeline->manifest["steps"].items()[0]["foreach"],
            *parse_json(R"({"split":{"column":"id","parts":3,"consistency":"none"}})"));
  AdapterInputOptions options;
  options.work_dir = directory_.path();
  const auto made = make_adapter_inputs(*result.pipeline, inputs(), options);
  ASSERT_TRUE(made.ok()) << made.error().message;
  const StepShards& shards = *made->plan.steps[0].shards;
  EXPECT_EQ(shards.rule["split"]["column"], Json("id"));
  EXPECT_TRUE(shards.is_inconsistent());
  ASSERT_EQ(shards.list.size(), 4u);
  EXPECT_EQ(shards.list[2].text, "2");
  EXPECT_EQ(shards.list[3].text, "null");
  EXPECT_EQ(made->plan.steps[1].outputs[3].path, "out/3-null.csv");
}

TEST_F(Split, WhatIsNoSplitIsRefused) {
  EXPECT_THAT(refused(reader("id")), HasSubstr("must be a mapping"));
  EXPECT_THAT(refused(reader("{parts: 3}")), HasSubstr("no 'column'"));
  EXPECT_THAT(refused(reader("{column: id}")), HasSubstr("'parts' must be a number from 1 to 1000"));
  EXPECT_THAT(refused(reader("{column: id, parts: 1001}")), HasSubstr("from 1 to 1000, not 1001"));
  EXPECT_THAT(refused(reader("{column: id, parts: 2, consistency: full}")), HasSubstr("can only be none"));
  EXPECT_THAT(refused(reader("{column: id, part: 2}")), HasSubstr("'part' is no key of split | did you mean 'parts'?"));
  EXPECT_THAT(refused("  - {id: read, component: sqlite.extractor, mode: read, foreach: {allow_empty: true, split: " +
                      std::string(kNone) + "}, config: {path: a.db, table: t}}\n"),
              HasSubstr("a split always has shards"));
}

TEST_F(Split, OnlyDatabasesAreSplitAndThoseWithoutASharedSnapshotWhenThatIsAccepted) {
  EXPECT_THAT(refused(reader(kNone, "filesystem.csv_extractor", "path: a.csv")), HasSubstr("does not split"));
  for (const char* component : {"sqlite.extractor", "duckdb.extractor"})
    EXPECT_THAT(refused(reader("{column: id, parts: 3}", component)), HasSubstr("write consistency: none"))
        << component;
  const CompileResult accepted = with(reader(kNone));
  ASSERT_TRUE(accepted.ok()) << all_text(accepted);
  const Diagnostic* warning = find(accepted.diagnostics.warnings(), "split_consistency");
  ASSERT_TRUE(warning);
  EXPECT_THAT(warning->message, HasSubstr("read at different moments (consistency: none)"));
  EXPECT_THAT(refused(reader(kNone, "sqlite.extractor", "path: a.db, table: t, limit: 3")), HasSubstr("has a limit"));
  EXPECT_THAT(refused(reader(kNone, "sqlite.extractor", "path: a.db, table: t, incremental: {column: id, key: [id]}")),
              HasSubstr("goes on from its last run"));
}

TEST_F(Split, PartsOfTwoTablesAreNotPaired) {
  const std::string both = reader(kNone) + reader(kNone, "sqlite.extractor", "path: a.db, table: u", "two") +
                           "  - {id: ask, component: duckdb.processor, mode: transform, needs: [read, two], per_shard: "
                           "true, config: {query: "
                           "\"SELECT * FROM df_read, df_two\"}}\n";
  const CompileResult result = with(both);
  const Diagnostic* error = find(result.diagnostics.errors(), "invalid_per_shard");
  ASSERT_TRUE(error) << all_text(result);
  EXPECT_THAT(error->message, HasSubstr("different shards"));
}

}  // namespace
}  // namespace osiris
