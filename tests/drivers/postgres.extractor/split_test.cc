// Parts of a table: where the server says that they begin, one snapshot for all, and what becomes of them without it.
#include <gmock/gmock.h>

#include <thread>

#include "tests/drivers/parts.h"
#include "tests/drivers/postgres/steps.h"
#include "tests/support/eventually.h"
#include "worker/drivers/postgres.extractor/driver.h"

namespace osiris::worker::test {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Le;

struct KeyCase {
  const char* type;
  const char* values;  // SQL literals
};

class PostgresSplit : public testing::Test {
 protected:
  static std::vector<size_t> counts(const std::string& table, uint64_t parts, const std::string& column = "k") {
    PostgresStep step(postgres_extractor());
    step.configure({{"table", table}});
    return Parts(step, postgres_extractor(), split_of(column, parts, true)).expect_whole();
  }
  static size_t sum(const std::vector<size_t>& counts) {
    size_t all = 0;
    for (const size_t count : counts) all += count;
    return all;
  }
};

TEST_F(PostgresSplit, EveryKeyIsInOnePartInTheServersOwnOrder) {
  const KeyCase cases[] = {
      {"int", "(1),(2),(3),(1000000),(2147483647),(-5),(-5),(NULL),(7)"},
      {"numeric", "('NaN'),(1.5),(-0.001),(1e30),(NULL),('NaN'),(2)"},
      {"float8", "('NaN'),('Infinity'),('-Infinity'),(0),('-0'),(1e-320),(0.1),(NULL)"},
      {"date", "('infinity'),('-infinity'),('2025-01-31'),('0044-03-15 BC'),(NULL),('9999-12-31')"},
      {"timestamp", "('infinity'),('-infinity'),('2025-01-31 12:00:00.000001'),('2025-01-31 12:00'),(NULL)"},
      {"timestamptz", "('2025-01-31 12:00+05'),('2025-01-31 12:00+00'),('infinity'),(NULL),('2025-03-30 02:30+01')"},
      {"text", "('a'),('B'),('b'),('Z'),(''),('it''s'),('back\\slash'),(NULL),('ä'),('zz')"},
      {"char(4)", "('a'),('b '),('B'),(NULL),('zz')"},
      {"uuid",
       "('00000000-0000-0000-0000-000000000001'),('ffffffff-ffff-ffff-ffff-ffffffffffff'),(NULL),"
       "('80000000-0000-0000-0000-000000000000')"},
      {"bytea", "('\\x00'),('\\xff'),('\\x'),(NULL)"},
      {"bool", "(true),(false),(NULL),(true)"},
      {"interval", "('1 day'),('23 hours'),('-1 year'),(NULL)"},
      {"int[]", "('{1,2}'),('{1}'),('{}'),(NULL)"},
  };
  for (const KeyCase& each : cases) {
    in_shop("DROP TABLE IF EXISTS keyed; CREATE TABLE keyed (k " + std::string(each.type) +
            "); INSERT INTO keyed VALUES " + each.values);
    for (const uint64_t parts : {1, 3, 16}) {
      SCOPED_TRACE(each.type + std::string(" in ") + std::to_string(parts));
      counts("keyed", parts);
    }
  }
}

TEST_F(PostgresSplit, TextIsPartedByItsColumnsCollation) {
  if (ask_shop("SELECT count(*) FROM pg_collation WHERE collname = 'en-x-icu'") == "0\n")
    GTEST_SKIP() << "this server knows no ICU";
  in_shop(
      "DROP TABLE IF EXISTS words; CREATE TABLE words AS SELECT w COLLATE \"en-x-icu\" AS k FROM "
      "unnest(ARRAY['a','B','b',"
      "'C','c','ä','Z','z','_','-x','x']) AS w; CREATE COLLATION IF NOT EXISTS any_case (provider = icu, locale = "
      "'und-u-ks-level2', deterministic = false); DROP TABLE IF EXISTS folded; CREATE TABLE folded (k text COLLATE "
      "any_case);"
      "INSERT INTO folded SELECT w FROM unnest(ARRAY['a','A','b','B','a','c','C']) AS w");
  for (const uint64_t parts : {2, 4, 7}) {
    counts("words", parts);
    counts("folded", parts);
  }
}

TEST_F(PostgresSplit, EnumsArePartedByTheOrderOfTheirLabels) {
  in_shop(
      "DROP TABLE IF EXISTS sized; DROP TYPE IF EXISTS size; CREATE TYPE size AS ENUM ('small', 'medium', 'large');"
      "CREATE TABLE sized AS SELECT s::size AS k FROM unnest(ARRAY['large','small','medium','small',NULL]) AS s");
  EXPECT_EQ(counts("sized", 3), (std::vector<size_t>{2, 2, 0, 1})) << "not by their letters";
}

TEST_F(PostgresSplit, GapsAndSkewLeaveThePartsAlike) {
  in_shop(
      "DROP TABLE IF EXISTS skewed; CREATE TABLE skewed AS SELECT n * n * n AS k FROM generate_series(1, 1600::bigint) "
      "n;"
      "INSERT INTO skewed VALUES (4611686018427387904), (-4611686018427387904)");
  const std::vector<size_t> even = counts("skewed", 16);
  ASSERT_EQ(even.size(), 17u);
  EXPECT_THAT(std::vector<size_t>(even.begin(), even.end() - 1), Each(Le(102u)));
  in_shop("UPDATE skewed SET k = 7 WHERE k < 1000000000");  // most rows have one key, and stay together
  EXPECT_EQ(sum(counts("skewed", 16)), 1602u);
}

TEST_F(PostgresSplit, ATableWithoutKeysIsOnePartAndTheNulls) {
  in_shop("DROP TABLE IF EXISTS none; CREATE TABLE none (k int)");
  EXPECT_EQ(counts("none", 4), (std::vector<size_t>{0, 0, 0, 0, 0}));
  in_shop("INSERT INTO none VALUES (NULL), (NULL)");
  EXPECT_EQ(counts("none", 4), (std::vector<size_t>{0, 0, 0, 0, 2}));
}

TEST_F(PostgresSplit, PartsShareOneSnapshotWhateverIsWrittenMeanwhile) {
  in_shop("DROP TABLE IF EXISTS live; CREATE TABLE live AS SELECT n AS k FROM generate_series(1, 100) n");
  PostgresStep step(postgres_extractor());
  step.configure({{"table", "live"}});
  Parts parts(step, postgres_extractor(), split_of("k", 4, true));
  ASSERT_TRUE(parts.settle().ok());
  ASSERT_TRUE(parts.source());
  EXPECT_FALSE(parts.source()->is_lost());
  in_shop("UPDATE live SET k = 101 - k; INSERT INTO live VALUES (-7), (1000), (NULL); DELETE FROM live WHERE k = 50");
  size_t rows = 0;
  for (const auto& part : parts.read_all()) rows += part.size();
  EXPECT_EQ(rows, 100u);
  EXPECT_THAT(parts.read(0)->size(), 25u);
}

TEST_F(PostgresSplit, WithoutConsistencyRowsBeyondTheBoundsAreReadToo) {
  in_shop("DROP TABLE IF EXISTS live; CREATE TABLE live AS SELECT n AS k FROM generate_series(1, 100) n");
  PostgresStep step(postgres_extractor());
  step.configure({{"table", "live"}});
  Parts parts(step, postgres_extractor(), split_of("k", 4));
  ASSERT_TRUE(parts.settle().ok());
  EXPECT_FALSE(parts.source());
  EXPECT_FALSE(parts.common().contains("snapshot"));
  in_shop("INSERT INTO live VALUES (-7), (1000), (NULL)");
  const auto all = parts.read_all();
  EXPECT_THAT(all[0], testing::Contains("-7"));
  EXPECT_THAT(all[3], testing::Contains("1000"));
  EXPECT_THAT(all[4], testing::ElementsAre("NULL"));
}

TEST_F(PostgresSplit, ASnapshotThatIsLostWithItsHolderIsNamed) {
  in_shop("DROP TABLE IF EXISTS live; CREATE TABLE live AS SELECT n AS k FROM generate_series(1, 100) n");
  PostgresStep step(postgres_extractor());
  step.configure({{"table", "live"}});
  Parts parts(step, postgres_extractor(), split_of("k", 4, true));
  ASSERT_TRUE(parts.settle().ok());
  const std::string holders =
      "FROM pg_stat_activity WHERE usename = current_user AND state = 'idle in transaction' AND pid <> "
      "pg_backend_pid()";
  in_shop("SELECT pg_terminate_backend(pid) " + holders);
  EXPECT_TRUE(osiris::test::eventually([&] { return ask_shop("SELECT count(*) " + holders) == "0\n"; }));
  const auto part = parts.read(1);
  ASSERT_FALSE(part.ok());
  EXPECT_THAT(part.error().message, HasSubstr("the snapshot that the shards share is gone"));
  EXPECT_EQ(part.error().code, Code::kInvalidState) << "no attempt at this shard alone helps";
  EXPECT_TRUE(parts.source()->is_lost());
}

TEST_F(PostgresSplit, WhatDoesNotGoWithItIsRefused) {
  in_shop(
      "DROP TABLE IF EXISTS live; CREATE TABLE live AS SELECT n AS k, '{}'::json AS j FROM generate_series(1, 9) n");
  const auto error = [](std::initializer_list<Json::Member> config, const Json& rule) {
    PostgresStep step(postgres_extractor());
    step.configure(config);
    const auto settled = Parts(step, postgres_extractor(), rule).settle();
    return settled.ok() ? std::string() : settled.error().message + " | " + settled.error().hint;
  };
  EXPECT_THAT(error({{"table", "live"}}, split_of("kk", 2)),
              HasSubstr("names column 'kk', which is none of the result"));
  EXPECT_THAT(error({{"table", "live"}}, split_of("j", 2)), HasSubstr("ordering operator"));
  const Json one = Json::object({{"max_connections", 1}});
  EXPECT_THAT(error({{"table", "live"}, {"source", one}}, split_of("k", 2, true)), HasSubstr("consistency: none"));
  EXPECT_EQ(error({{"table", "live"}, {"source", one}}, split_of("k", 2)), "");
  EXPECT_THAT(error({{"table", "live"}, {"source", Json::object({{"max_transaction", 5}})}}, split_of("k", 2, true)),
              HasSubstr("open until the last part is read"));
}

TEST_F(PostgresSplit, TheConnectionsLimitHoldsForAllStepsAndLeavesOneToRead) {
  in_shop("DROP TABLE IF EXISTS live; CREATE TABLE live AS SELECT n AS k FROM generate_series(1, 100) n");
  PostgresStep holder(postgres_extractor(), {{"max_connections", 2}}),
      other(postgres_extractor(), {{"max_connections", 2}});
  holder.configure({{"table", "live"}});
  other.configure({{"table", "live"}});
  Parts parts(holder, postgres_extractor(), split_of("k", 2, true)),
      more(other, postgres_extractor(), split_of("k", 2, true));
  ASSERT_TRUE(parts.settle().ok());
  std::thread waits([&] { EXPECT_TRUE(more.settle().ok()); });  // a second holder would leave none to read by
  EXPECT_EQ(parts.read(0)->size(), 50u);
  EXPECT_FALSE(more.source());
  parts.drop_source();
  waits.join();
  EXPECT_TRUE(more.source());
}

TEST_F(PostgresSplit, AQueryIsSplitAsATableIs) {
  in_shop("DROP TABLE IF EXISTS live; CREATE TABLE live AS SELECT n AS k FROM generate_series(1, 100) n");
  PostgresStep step(postgres_extractor());
  step.configure({{"query", "SELECT k % 10 AS rest, k, k::text AS t FROM live WHERE k > $least -- ends here"},
                  {"values", Json::object({{"least", 40}})}});
  EXPECT_EQ(Parts(step, postgres_extractor(), split_of("k", 6, true)).expect_whole(1),
            (std::vector<size_t>{10, 10, 10, 10, 10, 10, 0}));
}

}  // namespace
}  // namespace osiris::worker::test
