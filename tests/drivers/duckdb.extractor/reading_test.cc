// Which rows, from which file, and that nothing else is reached.
#include "tests/drivers/duckdb.extractor/database.h"

namespace osiris::worker::test {
namespace {

constexpr char kOrders[] =
    "CREATE TABLE orders AS SELECT * FROM (VALUES (1, 'Ann', 1.5), (2, 'Bob', 2.5), (3, 'Ann', 3.0)) t(id, customer, "
    "total); CREATE SCHEMA \"other one\"; CREATE TABLE \"other one\".\"a \"\"b\" AS SELECT 7 AS \"x y\"; CREATE VIEW "
    "sums "
    "AS SELECT customer, sum(total) AS total FROM orders GROUP BY 1 ORDER BY 1";

TEST(DuckdbReading, ATableColumnsAndALimit) {
  StepHarness step;
  fill(step, kOrders);
  EXPECT_EQ(
      extract(step, Json::object({{"table", "ORDERS"}, {"columns", Json::array({"total", "id"})}, {"limit", 2}})).rows,
      "1.5|1\n2.5|2\n");
  EXPECT_EQ(extract(step, Json::object({{"schema", "other one"}, {"table", "a \"b"}})).columns, "x y INTEGER");
  EXPECT_EQ(table(step, "sums").rows, "Ann|4.5\nBob|2.5\n");
}

TEST(DuckdbReading, AQueryWithACommentAtItsEnd) {
  StepHarness step;
  fill(step, kOrders);
  EXPECT_EQ(query(step, "SELECT count(*) AS n FROM orders -- all of them").rows, "3\n");
  EXPECT_EQ(query(step, "WITH x AS (SELECT 1 AS a) SELECT * FROM x;").rows, "1\n");
}

TEST(DuckdbReading, EveryTypeIsItself) {
  StepHarness step;
  fill(step,
       "CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TABLE t AS SELECT "
       "170141183460469231731687303715884105727::HUGEINT "
       "AS h, 18446744073709551615::UBIGINT AS u, 1.10::DECIMAL(38,2) AS d, TIMETZ '12:00:00+02' AS tz, 'glad'::mood "
       "AS m, "
       "[1, NULL] AS l, {'a': 1, 'b': ['x']} AS s, MAP {'k': 1} AS mp, '101'::BIT AS b, INTERVAL 3 DAY AS i, "
       "'\\x00'::BLOB AS bl, TIMESTAMP_S '2025-01-01 00:00:00' AS ts, [1, 2]::INTEGER[2] AS ar");
  const Extracted got = table(step, "t");
  EXPECT_EQ(
      got.columns,
      "h HUGEINT, u UBIGINT, d DECIMAL(38,2), tz TIME WITH TIME ZONE, m ENUM('sad', 'glad'), l INTEGER[], s STRUCT(a "
      "INTEGER, b VARCHAR[]), mp MAP(VARCHAR, INTEGER), b BIT, i INTERVAL, bl BLOB, ts TIMESTAMP_S, ar INTEGER[2]")
      << got.error;
  EXPECT_EQ(
      got.rows,
      "170141183460469231731687303715884105727|18446744073709551615|1.10|12:00:00+02|glad|[1, NULL]|{'a': 1, 'b': "
      "[x]}|{k=1}|101|3 days|\\x00|2025-01-01 00:00:00|[1, 2]\n");
}

TEST(DuckdbReading, NoOtherFileIsReached) {
  StepHarness step;
  step.write_file("secret.csv", "a\n1\n");
  const std::string secret = (step.work_dir() / "secret.csv").string();
  fill(step, std::string(kOrders) + "; CREATE VIEW leak AS SELECT * FROM read_csv('" + secret + "')");
  for (const Extracted& got :
       {table(step, "leak"), query(step, "SELECT * FROM '" + secret + "'"), query(step, "SELECT * FROM glob('/*')")})
    EXPECT_NE(got.error.find("disabled"), std::string::npos) << got.error << got.rows;
}

TEST(DuckdbReading, OnlyOneSelectIsRun) {
  StepHarness step;
  fill(step, kOrders);
  const std::pair<const char*, const char*> rows[] = {{"DELETE FROM orders", "the query is no SELECT"},
                                                      {"SELECT 1; SELECT 2", "more than one statement"},
                                                      {"SELEC 1", "the query is refused"},
                                                      {"SELECT $1", "has parameters"},
                                                      {"SELECT nmae FROM orders", "nmae"},
                                                      {"PRAGMA version", ""},
                                                      {"CREATE TABLE x (a INT)", "no SELECT"}};
  for (const auto& [sql, error] : rows) {
    const Extracted got = query(step, sql);
    if (*error) {
      EXPECT_NE(got.error.find(error), std::string::npos) << sql << ": " << got.error;
    }
  }
  EXPECT_EQ(query(step, "SELECT count(*) FROM orders").rows, "3\n");
}

TEST(DuckdbReading, WhatIsNotThereIsNamedWithTheNearest) {
  StepHarness step("read");
  EXPECT_NE(table(step, "t").error.find("DuckDB file not found"), std::string::npos);
  fill(step, kOrders);
  EXPECT_EQ(table(step, "order").error, "in.duckdb has no table 'order' in schema main");
  EXPECT_EQ(table(step, "order").hint, "did you mean 'orders'?");
  EXPECT_EQ(extract(step, Json::object({{"table", "orders"}, {"columns", Json::array({"totl"})}})).hint,
            "did you mean 'total'?");
}

TEST(DuckdbReading, FilesThatAreNoneAreNamed) {
  StepHarness step;
  step.write_file("in.duckdb", std::string(20000, 'x'));
  EXPECT_NE(table(step, "t").error.find("in.duckdb is no DuckDB database file"), std::string::npos)
      << table(step, "t").error;
  fill(step, kOrders, "whole.duckdb");
  step.write_file("in.duckdb", step.read_file("whole.duckdb").substr(0, 14000));
  EXPECT_NE(table(step, "orders").error, "");
}

TEST(DuckdbReading, TheFileStaysAsItWas) {
  StepHarness step;
  fill(step, kOrders);
  const std::string before = step.read_file("in.duckdb");
  EXPECT_EQ(table(step, "orders").error, "");
  EXPECT_EQ(step.read_file("in.duckdb"), before);
  EXPECT_EQ(step.files_in("."), std::vector<std::string>{"in.duckdb"});
}

}  // namespace
}  // namespace osiris::worker::test
