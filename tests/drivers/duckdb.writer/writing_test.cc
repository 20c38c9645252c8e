// What is in the file afterwards: the table, and what was there.
#include <gtest/gtest.h>

#include "tests/drivers/harness.h"
#include "tests/support/small_disk.h"
#include "worker/drivers/duckdb.extractor/driver.h"
#include "worker/drivers/duckdb.writer/driver.h"

namespace osiris::worker::test {
namespace {

// "" or the error.
std::string write(StepHarness& step, Json more = Json::object()) {
  Json config = Json::object({{"path", "out.duckdb"}, {"table", "t"}});
  for (const auto& [key, value] : more.members()) config.set(key, value);
  step.set_config(std::move(config));
  const auto outcome = step.run(duckdb_writer());
  return outcome.ok() ? "" : outcome.error().message;
}

// A query in the file, whose catalog is f.
std::string in_file(StepHarness& step, const std::string& query) {
  step.sql("ATTACH '" + (step.work_dir() / "out.duckdb").string() + "' AS f (READ_ONLY)");
  const std::string rows = step.query(query);
  step.sql("DETACH f");
  return rows;
}

TEST(DuckdbWriter, MakesTheFileAndKeepsEveryType) {
  StepHarness step;
  step.add_input(
      "rows",
      "SELECT 170141183460469231731687303715884105727::HUGEINT AS h, 'b'::ENUM('a', 'b') AS e, [1, NULL] AS l, "
      "{'x': TIMETZ '12:00:00+02'} AS s, NULL AS n, 1.10::DECIMAL(38,2) AS d");
  EXPECT_EQ(write(step), "");
  EXPECT_EQ(in_file(step,
                    "SELECT string_agg(column_name || ' ' || data_type, ', ' ORDER BY column_index) FROM "
                    "duckdb_columns() WHERE database_name = 'f' AND table_name = 't'"),
            "h HUGEINT, e ENUM('a', 'b'), l INTEGER[], s STRUCT(x TIME WITH TIME ZONE), n INTEGER, d DECIMAL(38,2)\n");
  EXPECT_EQ(in_file(step, "SELECT COLUMNS(*)::VARCHAR FROM f.t"),
            "170141183460469231731687303715884105727|b|[1, NULL]|{'x': '12:00:00+02'}|NULL|1.10\n");
  EXPECT_EQ(step.files_in("."), std::vector<std::string>{"out.duckdb"});
}

TEST(DuckdbWriter, ReplaceReplacesTheTableAndKeepsTheOthers) {
  StepHarness step;
  step.add_input("rows", "SELECT 1 AS x");
  EXPECT_EQ(write(step, Json::object({{"table", "other"}})), "");
  EXPECT_EQ(write(step), "");
  StepHarness again;
  again.add_input("rows", "SELECT 'two' AS y");
  again.write_file("out.duckdb", step.read_file("out.duckdb"));
  EXPECT_EQ(write(again), "");
  EXPECT_EQ(in_file(again, "SELECT * FROM f.t, f.other"), "two|1\n");
}

TEST(DuckdbWriter, AppendAddsRowsByName) {
  StepHarness step;
  step.add_input("rows", "SELECT 1 AS x, 'a' AS y");
  EXPECT_EQ(write(step, Json::object({{"write_mode", "append"}})), "") << "the table is made";
  StepHarness again;
  again.add_input("rows", "SELECT 'b' AS Y, 2 AS X");
  again.write_file("out.duckdb", step.read_file("out.duckdb"));
  EXPECT_EQ(write(again, Json::object({{"write_mode", "append"}})), "");
  EXPECT_EQ(in_file(again, "SELECT * FROM f.t ORDER BY x"), "1|a\n2|b\n");
}

TEST(DuckdbWriter, AppendConvertsNothing) {
  StepHarness step;
  step.add_input("rows", "SELECT 1 AS x");
  EXPECT_EQ(write(step), "");
  const std::string before = step.read_file("out.duckdb");
  const std::pair<const char*, const char*> rows[] = {
      {"SELECT 1.5 AS x", "column 'x' is INTEGER there and DECIMAL(2,1) in the rows"},
      {"SELECT 1 AS x, 2 AS y", "it has no column 'y'"},
      {"SELECT 1 AS y", "the rows have no column 'x'"}};
  for (const auto& [select, error] : rows) {
    StepHarness again;
    again.add_input("rows", select);
    again.write_file("out.duckdb", before);
    const std::string got = write(again, Json::object({{"write_mode", "append"}}));
    EXPECT_NE(got.find(error), std::string::npos) << got;
    EXPECT_EQ(again.read_file("out.duckdb"), before);
    EXPECT_EQ(again.files_in("."), std::vector<std::string>{"out.duckdb"});
  }
}

TEST(DuckdbWriter, DriftFreezesUnlessToldOtherwise) {
  StepHarness step;
  step.add_input("rows", "SELECT 1 AS x");
  EXPECT_EQ(write(step), "");
  const std::string before = step.read_file("out.duckdb");
  const auto appended = [&](const char* drift, const std::string& query) {
    StepHarness again;
    again.add_input("rows", "SELECT 'new' AS \"y \"\"2\", 2 AS X, [1] AS z");
    again.write_file("out.duckdb", before);
    const std::string error = write(again, Json::object({{"write_mode", "append"}, {"schema_drift", drift}}));
    return error.empty() ? in_file(again, query) : error;
  };
  EXPECT_NE(appended("freeze", "").find("it has no column 'y \"2'"), std::string::npos);
  EXPECT_EQ(appended("discard_columns", "SELECT * FROM f.t ORDER BY x"), "1\n2\n");
  EXPECT_EQ(appended("evolve", "SELECT x, \"y \"\"2\", z::VARCHAR FROM f.t ORDER BY x"), "1|NULL|NULL\n2|new|[1]\n");
  EXPECT_NE(appended("melt", "").find("'schema_drift' must be freeze, evolve or discard_columns"), std::string::npos);
}

TEST(DuckdbWriter, SchemasAndNamesThatNeedQuotes) {
  StepHarness step;
  step.add_input("rows", "SELECT 1 AS \"a \"\"b\"");
  EXPECT_EQ(write(step, Json::object({{"schema", "my schema"}, {"table", "t \"1"}})), "");
  EXPECT_EQ(in_file(step, "SELECT \"a \"\"b\" FROM f.\"my schema\".\"t \"\"1\""), "1\n");
}

TEST(DuckdbWriter, AFileThatIsOpenOrHasALogIsLeftAlone) {
  StepHarness step;
  step.add_input("rows", "SELECT 1 AS x");
  EXPECT_EQ(write(step), "");
  step.write_file("out.duckdb.wal", "log");
  EXPECT_NE(write(step).find("has a log beside it (out.duckdb.wal)"), std::string::npos);
  EXPECT_EQ(step.files_in("."), (std::vector<std::string>{"out.duckdb", "out.duckdb.wal"}));
}

TEST(DuckdbWriter, WrongPlacesAndKeysAreErrors) {
  StepHarness step;
  step.add_input("rows", "SELECT 1 AS x");
  EXPECT_NE(write(step, Json::object({{"path", "out.csv"}})).find("'path' ends in .csv"), std::string::npos);
  EXPECT_NE(write(step, Json::object({{"write_mode", "upsert"}})).find("'write_mode' must be replace or append"),
            std::string::npos);
  EXPECT_NE(write(step, Json::object({{"path", "a/out.duckdb"}, {"create_dirs", false}})), "");
  EXPECT_TRUE(step.files_in(".").empty());
}

TEST(DuckdbWriter, WhatItWritesTheExtractorReads) {
  StepHarness step;
  step.add_input("rows", "SELECT i AS id, {'a': i} AS s FROM range(100000) t(i)");
  EXPECT_EQ(write(step), "");
  step.set_config({{"path", "out.duckdb"}, {"table", "t"}});
  const auto read = step.run(duckdb_extractor());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(step.query("SELECT count(*) FROM (SELECT * FROM {out} EXCEPT ALL SELECT * FROM \"in rows\".t)"), "0\n");
}

// Rows are added in a copy of the file, for which there is no room.
TEST(DuckdbWriter, AFullDiskIsCalledOneAndTheOldFileStays) {
  StepHarness step;
  step.add_input("rows", "SELECT hash(range) AS x FROM range(100000)");
  ASSERT_EQ(write(step), "");
  const std::string old = step.read_file("out.duckdb");
  const osiris::test::SmallDisk disk(step.work_dir() / "disk", std::to_string(old.size() + old.size() / 2));
  OSIRIS_NEEDS_DISK(disk);
  step.write_file("disk/out.duckdb", old);
  step.set_config({{"path", "disk/out.duckdb"}, {"table", "t"}, {"write_mode", "append"}});
  const auto outcome = step.run(duckdb_writer());
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().category, "write.disk_full") << outcome.error().message;
  EXPECT_NE(outcome.error().message.find("No space left on device"), std::string::npos) << outcome.error().message;
  EXPECT_TRUE(step.read_file("disk/out.duckdb") == old);
  EXPECT_EQ(step.files_in("disk"), std::vector<std::string>{"out.duckdb"});
}

}  // namespace
}  // namespace osiris::worker::test
