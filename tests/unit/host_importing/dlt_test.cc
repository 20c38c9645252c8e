#include "host/importing/dlt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/importing/toml_text.h"

namespace osiris {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Imported import(const std::string& config, const std::string& secrets = "") {
  auto configuration = parse_toml(config, "config.toml");
  const auto over = parse_toml(secrets, "secrets.toml");
  EXPECT_TRUE(configuration.ok() && over.ok()) << config << secrets;
  if (!configuration.ok() || !over.ok()) return {};
  merge_configuration(*configuration, *over);
  auto imported = import_dlt(*configuration);
  EXPECT_TRUE(imported.ok()) << config;
  return imported.ok() ? *std::move(imported) : Imported();
}

const Json& step(const Imported& imported, size_t pipeline, size_t step) {
  return imported.pipelines.at(pipeline).document["steps"].items().at(step);
}
std::string left(const Imported& imported) { return testing::PrintToString(imported.left); }

constexpr const char* kShop = R"(
dataset_name = "lake"
[sources.sql_database]
schema = "public"
table_names = ["orders", "people"]
backend = "pyarrow"
[sources.sql_database.credentials]
drivername = "postgresql"
host = "db.example"
port = 5432
database = "shop"
username = "loader"
[sources.sql_database.orders]
write_disposition = "merge"
primary_key = "id"
included_columns = ["id", "changed_at"]
[sources.sql_database.orders.incremental]
cursor_path = "changed_at"
initial_value = 2026-01-31T00:00:00Z
row_order = "asc"
)";

TEST(Dlt, ATableWithACursorAndAMergeIsAnUpsertOfNewRows) {
  const Imported imported = import(std::string(kShop) + "[destination.postgres]\n",
                                   "[sources.sql_database.credentials]\npassword = \"s3cret\"\n"
                                   "[destination.postgres]\ncredentials = \"postgresql://me:s3cret@lake:5433/dw\"\n");
  ASSERT_EQ(imported.pipelines.size(), 2u);
  EXPECT_EQ(imported.pipelines[0].name, "orders");
  EXPECT_EQ(step(imported, 0, 0)["component"].as_string(), "postgres.extractor");
  EXPECT_EQ(step(imported, 0, 0)["config"].dump(),
            R"({"connection":"@postgres.sql-database","table":"orders","schema":"public",)"
            R"("columns":["id","changed_at"],)"
            R"("incremental":{"column":"changed_at","key":["id"],"initial":"2026-01-31T00:00:00Z"}})");
  EXPECT_EQ(step(imported, 0, 1)["config"].dump(),
            R"({"connection":"@postgres.postgres","table":"orders","schema":"lake","primary_key":["id"],)"
            R"("write_mode":"upsert"})");
  EXPECT_EQ(step(imported, 1, 1)["config"]["write_mode"].as_string(), "append");
  EXPECT_EQ(imported.connections.at("sql-database"), "postgres");
  for (const char* part :
       {"sql_database.backend: is not taken over", "incremental.row_order: is not taken over",
        "people: what becomes of rows that are there", "host db.example, port 5432, database shop, user loader",
        "host lake, port 5433, database dw, user me"})
    EXPECT_THAT(left(imported), HasSubstr(part));
}

TEST(Dlt, NothingSecretIsRepeated) {
  const Imported imported =
      import(std::string(kShop) + "[destination.snowflake.credentials]\ndatabase = \"x\"\n",
             "[sources.sql_database.credentials]\npassword = \"s3cret\"\n[sources.other]\napi_key = \"s3cret\"\n"
             "[sources.more]\ncredentials = \"mssql://a:s3cret@h/d\"\n[extra]\ntoken = \"s3cret\"\n");
  EXPECT_THAT(left(imported), Not(HasSubstr("s3cret")));
  for (const ImportedPipeline& pipeline : imported.pipelines)
    EXPECT_THAT(pipeline.document.dump(), Not(HasSubstr("s3cret")));
  const auto broken = parse_toml("a = 1\npassword = \"s3cret\n", "secrets.toml");
  ASSERT_FALSE(broken.ok());
  EXPECT_THAT(broken.error().message, HasSubstr("secrets.toml:2:"));
  EXPECT_THAT(broken.error().message, Not(HasSubstr("s3cret")));
}

TEST(Dlt, ADatabaseThatIsAFileIsItsPath) {
  const Imported imported = import(
      "[sources.sql_database]\ncredentials = \"sqlite:///shop.db\"\ntable_names = [\"orders\"]\n"
      "write_disposition = \"replace\"\n[destination.duckdb]\ncredentials = \"lake.duckdb\"\n");
  EXPECT_THAT(imported.left, IsEmpty());
  EXPECT_THAT(imported.connections, IsEmpty());
  EXPECT_EQ(step(imported, 0, 0)["config"].dump(), R"({"path":"shop.db","table":"orders"})");
  EXPECT_EQ(step(imported, 0, 1)["config"].dump(), R"({"path":"lake.duckdb","table":"orders","write_mode":"replace"})");
}

TEST(Dlt, FilesAreReadAndWrittenByTheirSuffix) {
  const Imported imported = import(
      "[sources.filesystem]\nbucket_url = \"file://data/in/\"\nfile_glob = \"*.parquet\"\nwrite_disposition = "
      "\"replace\"\n[sources.lake]\nbucket_url = \"s3://lake/events\"\nfile_glob = \"*.jsonl\"\n"
      "[normalize]\nloader_file_format = \"parquet\"\n[destination.filesystem]\nbucket_url = \"out\"\n");
  EXPECT_EQ(step(imported, 0, 0)["config"].dump(), R"({"path":"data/in/*.parquet"})");
  EXPECT_EQ(step(imported, 0, 1)["config"].dump(), R"({"path":"out/filesystem.parquet"})");
  EXPECT_EQ(step(imported, 1, 0)["component"].as_string(), "filesystem.json_extractor");
  EXPECT_EQ(step(imported, 1, 0)["config"].dump(),
            R"({"path":"s3://lake/events/*.jsonl","connection":"@filesystem.lake"})");
}

TEST(Dlt, CsvFilesOfAPatternAreShardsAndTabsTheirDelimiter) {
  const Imported imported =
      import("[sources.filesystem]\nbucket_url = \"in\"\nfile_glob = \"*.tsv.gz\"\nwrite_disposition = \"replace\"\n");
  EXPECT_EQ(step(imported, 0, 0)["foreach"].dump(), R"({"files":"in/*.tsv.gz"})");
  EXPECT_EQ(step(imported, 0, 0)["config"].dump(), R"({"path":"${shard.value}","delimiter":"\t"})");
}

TEST(Dlt, SaysWhatIsLeft) {
  const Imported imported = import(R"(
[runtime]
log_level = "INFO"
[unheard]
of = 1
[sources.sql_database]
credentials = "mssql+pyodbc://h/d"
table_names = ["a"]
[sources.code.sql_database]
credentials = "mysql+pymysql://u@h/d"
[sources.files]
bucket_url = "gs://bucket"
file_glob = "*.jsonl"
[sources.csvs]
bucket_url = "s3://bucket"
file_glob = "*.csv"
[sources.pictures]
bucket_url = "data"
file_glob = "*.png"
[sources.none]
bucket_url = "data"
[sources.github]
repository = "x"
[destination.postgres]
[destination.duckdb]
)");
  EXPECT_THAT(imported.pipelines, IsEmpty());
  for (const char* part :
       {"runtime: is about dlt itself", "unheard: has no counterpart", "no component reads from 'mssql+pyodbc'",
        "name them in table_names", "no component reads from gs", "reads one file: name it instead of *.csv",
        "no component reads *.png", "has no file_glob", "sources.github: is a source that has no counterpart",
        "there are several (duckdb, postgres)"})
    EXPECT_THAT(left(imported), HasSubstr(part));
}

TEST(Dlt, TwoTablesOfOneNameAreTwoPipelines) {
  const Imported imported = import(
      "[sources.one]\ncredentials = \"sqlite:///a.db\"\ntable = \"../t\"\n[sources.two]\ncredentials = "
      "\"sqlite:///b.db\"\ntable = \"../t\"\n");
  ASSERT_EQ(imported.pipelines.size(), 2u);
  EXPECT_NE(imported.pipelines[0].name, imported.pipelines[1].name);
  EXPECT_EQ(step(imported, 0, 1)["config"]["path"].as_string(), "output/t.csv");
}

TEST(Dlt, WithoutASourceOrOfAnotherShapeIsRefusedOrEmpty) {
  for (const char* text : {"", "sources = 1", "[destination.postgres]"}) {
    const auto refused = import_dlt(*parse_toml(text, "x"));
    ASSERT_FALSE(refused.ok()) << text;
    EXPECT_THAT(refused.error().message, HasSubstr("no [sources]"));
  }
  for (const char* text : {"[sources]\na = 1", "[sources.a]\ntable_names = 7", "[sources.a]\nbucket_url = []",
                           "[sources.a]\ncredentials = []\ntable = {}", "destination = 3\n[sources.a.b.c.d.e.f]"})
    EXPECT_THAT(import(text).pipelines, IsEmpty()) << text;
}

}  // namespace
}  // namespace osiris
