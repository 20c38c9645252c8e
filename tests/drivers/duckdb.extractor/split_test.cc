// Parts of a table of a DuckDB file.
#include <gmock/gmock.h>

#include "tests/drivers/duckdb.extractor/database.h"
#include "tests/drivers/parts.h"

namespace osiris::worker::test {
namespace {

using ::testing::HasSubstr;

std::vector<size_t> counts(const std::string& sql, uint64_t parts) {
  StepHarness step;
  fill(step, sql);
  step.set_config({{"path", "in.duckdb"}, {"table", "keyed"}});
  return Parts(step, duckdb_extractor(), split_of("k", parts)).expect_whole();
}

TEST(DuckdbSplit, EveryKeyIsInOnePartInTheEnginesOrder) {
  const char* tables[] = {
      "CREATE TABLE keyed (k INTEGER); INSERT INTO keyed VALUES (1),(2147483647),(-5),(-5),(NULL),(1000)",
      "CREATE TABLE keyed (k HUGEINT); INSERT INTO keyed VALUES (170141183460469231731687303715884105727),(0),(NULL)",
      "CREATE TABLE keyed (k DECIMAL(18,3)); INSERT INTO keyed VALUES (1.5),(-0.001),(123456789012345.123),(NULL)",
      "CREATE TABLE keyed (k DOUBLE); INSERT INTO keyed VALUES ('nan'),('nan'),('inf'),('-inf'),(0.1),(NULL),(1e-320)",
      "CREATE TABLE keyed (k VARCHAR); INSERT INTO keyed VALUES ('a'),('B'),('it''s'),(''),('ä'),(NULL)",
      "CREATE TABLE keyed (k VARCHAR COLLATE NOCASE); INSERT INTO keyed VALUES ('a'),('A'),('b'),('B'),('c'),(NULL)",
      "CREATE TABLE keyed (k DATE); INSERT INTO keyed VALUES ('infinity'),('-infinity'),('2025-01-31'),(NULL)",
      "CREATE TABLE keyed (k TIMESTAMPTZ); INSERT INTO keyed VALUES ('infinity'),('2025-01-31 12:00:00+05'),(NULL)",
      "CREATE TABLE keyed (k TIMESTAMP_NS); INSERT INTO keyed VALUES ('2025-01-31 12:00:00.000000001'),(NULL)",
      "CREATE TABLE keyed (k UUID); INSERT INTO keyed VALUES ('80000000-0000-0000-0000-000000000000'),"
      "('00000000-0000-0000-0000-000000000001'),(NULL)",
      "CREATE TABLE keyed (k ENUM('small', 'large', 'huge')); INSERT INTO keyed VALUES "
      "('huge'),('small'),('large'),(NULL)",
      "CREATE TABLE keyed (k BLOB); INSERT INTO keyed VALUES ('\\x00'),('\\xFF'),('a'),(NULL)",
      "CREATE TABLE keyed (k BOOLEAN); INSERT INTO keyed VALUES (true),(false),(NULL)",
  };
  for (const char* table : tables)
    for (const uint64_t parts : {1, 5}) {
      SCOPED_TRACE(table + std::string(" in ") + std::to_string(parts));
      counts(table, parts);
    }
}

TEST(DuckdbSplit, GapsAndSkewLeaveThePartsAlike) {
  const std::vector<size_t> even = counts(
      "CREATE TABLE keyed AS SELECT i * i * i AS k FROM range(1600::BIGINT) t(i); INSERT INTO keyed VALUES "
      "(4611686018427387904)",
      16);
  for (size_t i = 0; i < 16; ++i) EXPECT_LE(even[i], 102u);
}

TEST(DuckdbSplit, WhatHasNoBoundsIsNamed) {
  StepHarness step;
  fill(step, "CREATE TABLE keyed AS SELECT 1 AS id, [1] AS k");
  step.set_config({{"path", "in.duckdb"}, {"table", "keyed"}});
  const auto error = [&](const char* column) {
    const Status settled = Parts(step, duckdb_extractor(), split_of(column, 2)).settle();
    return settled.ok() ? std::string() : settled.error().message;
  };
  EXPECT_THAT(error("k"), HasSubstr("is nested, and has no bounds"));
  EXPECT_THAT(error("kk"), HasSubstr("kk"));
}

}  // namespace
}  // namespace osiris::worker::test
