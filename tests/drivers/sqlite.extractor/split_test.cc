// Parts of a SQLite table, whose columns hold values of any type.
#include <gmock/gmock.h>

#include "tests/drivers/parts.h"
#include "tests/drivers/sqlite.extractor/database.h"

namespace osiris::worker::test {
namespace {

using ::testing::HasSubstr;

std::vector<size_t> counts(const std::string& sql, uint64_t parts, const std::string& from = "keyed") {
  StepHarness step;
  sqlite(step, sql);
  Json config = Json::object({{"path", "in.db"}});
  config.set(from.find(' ') == std::string::npos ? "table" : "query", from);
  step.set_config(config);
  return Parts(step, sqlite_extractor(), split_of("k", parts)).expect_whole();
}

TEST(SqliteSplit, EveryKeyIsInOnePartInSqlitesOrder) {
  const char* tables[] = {
      "CREATE TABLE keyed (k INTEGER); INSERT INTO keyed VALUES (1),(9223372036854775807),(-5),(-5),(NULL),(1000)",
      "CREATE TABLE keyed (k REAL); INSERT INTO keyed VALUES (1e999),(-1e999),(0.1),(-0.0),(1e-320),(NULL)",
      "CREATE TABLE keyed (k TEXT COLLATE NOCASE); INSERT INTO keyed VALUES ('a'),('A'),('b'),('it''s'),(''),(NULL)",
      "CREATE TABLE keyed (k TEXT); INSERT INTO keyed VALUES ('10'),('9'),('a'),('Z'),('ä'),(NULL)",
      "CREATE TABLE keyed (k BLOB); INSERT INTO keyed VALUES (X'00'),(X'FF'),(X''),(NULL)",
      "CREATE TABLE keyed (k DATE); INSERT INTO keyed VALUES ('2025-01-31'),('2024-12-01'),('0001-01-01'),(NULL)",
  };
  for (const char* table : tables)
    for (const uint64_t parts : {1, 3, 16}) {
      SCOPED_TRACE(table + std::string(" in ") + std::to_string(parts));
      counts(table, parts);
    }
}

TEST(SqliteSplit, GapsAndSkewLeaveThePartsAlike) {
  const std::string fill =
      "CREATE TABLE keyed (k INTEGER); INSERT INTO keyed WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
      "n "
      "WHERE i < 1600) SELECT i * i * i FROM n; INSERT INTO keyed VALUES (4611686018427387904)";
  const std::vector<size_t> even = counts(fill, 16);
  for (size_t i = 0; i < 16; ++i) EXPECT_LE(even[i], 102u);
  EXPECT_EQ(counts("CREATE TABLE keyed (k INTEGER)", 3), (std::vector<size_t>{0, 0, 0, 0}));
  EXPECT_EQ(counts(fill, 2, "SELECT k, k % 7 AS rest FROM keyed;"), (std::vector<size_t>{801, 800, 0}));
}

// `v` has no declared type: one part alone would have another one than the next.
TEST(SqliteSplit, TypesAreThoseOfAllRows) {
  StepHarness step;
  sqlite(step, "CREATE TABLE t (k INTEGER, v); INSERT INTO t VALUES (1, 1), (2, 2), (3, 2.5), (4, NULL)");
  step.set_config({{"path", "in.db"}, {"table", "t"}});
  Parts parts(step, sqlite_extractor(), split_of("k", 2));
  ASSERT_TRUE(parts.settle().ok());
  EXPECT_EQ(parts.common()["types"], Json::object({{"v", "DOUBLE"}}));
  EXPECT_THAT(*parts.read(0), testing::ElementsAre("1|1.0", "2|2.0"));
  EXPECT_THAT(*parts.read(1), testing::ElementsAre("3|2.5", "4|NULL"));
}

TEST(SqliteSplit, AColumnThatIsNotThereIsNamed) {
  StepHarness step;
  sqlite(step, "CREATE TABLE t (id INTEGER)");
  step.set_config({{"path", "in.db"}, {"table", "t"}});
  const Status settled = Parts(step, sqlite_extractor(), split_of("ids", 2)).settle();
  ASSERT_FALSE(settled.ok());
  EXPECT_THAT(settled.error().message + settled.error().hint, HasSubstr("ids"));
}

}  // namespace
}  // namespace osiris::worker::test
