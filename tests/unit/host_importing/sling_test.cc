#include "host/importing/sling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/yaml/node.h"

namespace osiris {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Imported import(const std::string& yaml, const std::map<std::string, std::string>& families = {}) {
  Diagnostics findings;
  auto imported = import_sling(parse_yaml(yaml, findings).to_json(), families);
  EXPECT_TRUE(imported.ok()) << imported.error().message;
  return imported.ok() ? *std::move(imported) : Imported();
}

const Json& config(const Imported& imported, size_t step) {
  return imported.pipelines.at(0).document["steps"].items().at(step)["config"];
}

TEST(Sling, AFullRefreshReplacesTheTable) {
  const Imported imported =
      import("{source: MY_POSTGRES, target: MYSQL_DW, streams: {public.orders: {mode: full-refresh}}}");
  EXPECT_THAT(imported.left, IsEmpty());
  EXPECT_EQ(imported.pipelines.at(0).document["steps"].items().at(0)["component"].as_string(), "postgres.extractor");
  EXPECT_EQ(config(imported, 0).dump(), R"({"connection":"@postgres.my-postgres","table":"orders","schema":"public"})");
  EXPECT_EQ(config(imported, 1)["write_mode"].as_string(), "replace");
  EXPECT_EQ(config(imported, 1)["table"].as_string(), "orders");
  EXPECT_EQ(imported.connections.at("mysql-dw"), "mysql");
  EXPECT_TRUE(config(imported, 1)["create_table"].as_bool()) << "Sling makes it";
}

TEST(Sling, AnIncrementalStreamWithAKeyIsAnUpsertOfNewRows) {
  const Imported imported = import(
      "{source: pg, target: pg2, defaults: {mode: incremental, primary_key: id, object: 'dw.{stream_table}'},"
      " streams: {public.orders: {update_key: changed_at, select: [id, changed_at]}}}");
  EXPECT_THAT(imported.left, IsEmpty());
  EXPECT_EQ(config(imported, 0)["incremental"].dump(), R"({"column":"changed_at","key":["id"]})");
  EXPECT_EQ(config(imported, 0)["columns"].dump(), R"(["id","changed_at"])");
  EXPECT_EQ(config(imported, 1)["write_mode"].as_string(), "upsert");
  EXPECT_EQ(config(imported, 1)["schema"].as_string(), "dw");
}

TEST(Sling, ColumnsOfAStreamWithAConditionAreLeftToTheUser) {
  const Imported imported = import("{source: pg, target: pg2, streams: {a.b: {where: x > 1, select: [id, x]}}}");
  EXPECT_EQ(config(imported, 0)["query"].as_string(), "SELECT * FROM a.b WHERE x > 1");
  EXPECT_THAT(imported.left, ElementsAre(HasSubstr("streams.a.b.select: name its columns in the step's query")));
}

TEST(Sling, FilesAreReadAndWrittenByTheirSuffix) {
  const Imported imported =
      import("{source: LOCAL, target: LOCAL, streams: {'file://in/a.csv': {object: 'file://out/a.parquet'}}}");
  EXPECT_EQ(config(imported, 0)["path"].as_string(), "in/a.csv");
  EXPECT_EQ(imported.pipelines.at(0).document["steps"].items().at(1)["component"].as_string(),
            "filesystem.parquet_writer");
}

TEST(Sling, CsvFilesOfAPatternAreShardsAndTabsTheirDelimiter) {
  const Imported imported =
      import("{source: LOCAL, target: LOCAL, streams: {'file://in/*.csv': {object: 'file://out/a.tsv'}}}");
  const Json& steps = imported.pipelines.at(0).document["steps"];
  EXPECT_EQ(steps.items().at(0)["foreach"].dump(), R"({"files":"in/*.csv"})");
  EXPECT_EQ(config(imported, 0)["path"].as_string(), "${shard.value}");
  EXPECT_EQ(config(imported, 1).dump(), R"({"path":"out/a.tsv","delimiter":"\t","column_order":"query"})");
}

TEST(Sling, SaysWhatIsLeft) {
  const Imported imported = import(
      "{source: pg, target: pg2, hooks: {start: x}, env: {a: b}, streams: {'public.*': null, public.a: {mode: "
      "snapshot},"
      " public.b: {mode: incremental}, public.c: {disabled: true}, public.d: {transforms: {x: y}, sql: 'SELECT "
      "{a}'}}}");
  const std::string left = testing::PrintToString(imported.left);
  for (const char* part :
       {"hooks: has no counterpart", "env: has no counterpart", "streams.public.*: write a stream for each",
        "streams.public.a.mode: 'snapshot'", "without update_key", "without primary_key",
        "streams.public.c: is disabled", "streams.public.d.transforms: is not taken over", "has variables of Sling"})
    EXPECT_THAT(left, HasSubstr(part));
  EXPECT_EQ(imported.pipelines.size(), 3u);
}

TEST(Sling, ASystemThatNoNameGivesAwayIsAskedFor) {
  const std::string yaml = "{source: SHOP, target: pg, streams: {a.b: null}}";
  const Imported unknown = import(yaml);
  EXPECT_THAT(unknown.pipelines, IsEmpty());
  EXPECT_THAT(unknown.left, ElementsAre(HasSubstr("--connection SHOP=postgres")));
  EXPECT_EQ(import(yaml, {{"SHOP", "mysql"}}).pipelines.size(), 1u);
}

TEST(Sling, AnotherDocumentIsRefused) {
  for (const char* yaml : {"{}", "[1]", "text", "{source: a, target: b}"}) {
    Diagnostics findings;
    const auto imported = import_sling(parse_yaml(yaml, findings).to_json(), {});
    ASSERT_FALSE(imported.ok()) << yaml;
    EXPECT_THAT(imported.error().message, HasSubstr("no replication file of Sling"));
  }
  EXPECT_THAT(import("{source: [1], target: {a: b}, streams: [1, 2]}").pipelines, IsEmpty());
  EXPECT_THAT(import("{source: pg, target: pg, streams: {a: 7, b: [x]}}").pipelines.size(), 2u);
}

}  // namespace
}  // namespace osiris
