// One test per key of the config, and per way to write one wrongly.
#include <thread>

#include "tests/drivers/postgres/steps.h"
#include "tests/support/eventually.h"
#include "worker/drivers/postgres.extractor/driver.h"

namespace osiris::worker::test {
namespace {

class PostgresKeys : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    in_shop(
        "CREATE TABLE items (id int PRIMARY KEY, \"Name\" text, price numeric(6,2));"
        "INSERT INTO items SELECT n, 'item ' || n, n / 4.0 FROM generate_series(1, 10) AS n;"
        "CREATE SCHEMA \"Old one\"; CREATE TABLE \"Old one\".items (id int); INSERT INTO \"Old one\".items VALUES (7);"
        "CREATE TABLE \"we\"\"ird.name\" (\"a\"\"b\" int); INSERT INTO \"we\"\"ird.name\" VALUES (1)");
  }
  std::string rows(std::initializer_list<Json::Member> config) {
    PostgresStep step(postgres_extractor());
    step.configure(config);
    return step.rows();
  }
  std::string message(std::initializer_list<Json::Member> config) {
    PostgresStep step(postgres_extractor());
    step.configure(config);
    const Error error = step.error();
    EXPECT_FALSE(step.has_output_table());
    return error.message + "; " + error.hint;
  }
};

TEST_F(PostgresKeys, TableReadsATable) {
  PostgresStep step(postgres_extractor());
  step.configure({{"table", "items"}, {"limit", 2}});
  EXPECT_EQ(step.rows(), "1|item 1|0.25\n2|item 2|0.50\n");
  EXPECT_EQ(step.output_columns(), "id INTEGER, Name VARCHAR, price DECIMAL(6,2)");
}

TEST_F(PostgresKeys, TableIsOneNameWhateverIsInIt) {
  EXPECT_EQ(rows({{"table", "we\"ird.name"}, {"columns", Json::array({"a\"b"})}}), "1\n");
}

TEST_F(PostgresKeys, SchemaIsWhereUnqualifiedNamesAre) {
  EXPECT_EQ(rows({{"table", "items"}, {"schema", "Old one"}}), "7\n");
  EXPECT_EQ(rows({{"query", "SELECT * FROM items"}, {"schema", "Old one"}}), "7\n");
  EXPECT_NE(message({{"table", "items"}, {"schema", "old one"}}).find("no schema 'old one'"), std::string::npos);
}

TEST_F(PostgresKeys, ColumnsOfATableAreSelectedByTheServer) {
  EXPECT_EQ(rows({{"table", "items"}, {"columns", Json::array({"price", "id"})}, {"limit", 1}}), "0.25|1\n");
  EXPECT_NE(message({{"table", "items"}, {"columns", Json::array({"name"})}}).find("column \"name\" does not exist"),
            std::string::npos);
}

TEST_F(PostgresKeys, ColumnsOfAQueryArePickedFromItsResult) {
  EXPECT_EQ(rows({{"query", "SELECT * FROM items ORDER BY id DESC"}, {"columns", Json::array({"NAME"})}, {"limit", 1}}),
            "item 10\n");
  EXPECT_NE(message({{"query", "SELECT id FROM items"}, {"columns", Json::array({"idd"})}}).find("did you mean 'id'?"),
            std::string::npos);
}

TEST_F(PostgresKeys, LimitAndOffsetKeepTheOrder) {
  EXPECT_EQ(rows({{"query", "SELECT id FROM items ORDER BY id DESC"}, {"limit", 3}, {"offset", 2}}), "8\n7\n6\n");
  EXPECT_EQ(rows({{"query", "SELECT id FROM items ORDER BY id -- the newest last"}, {"offset", 9}}), "10\n");
}

TEST_F(PostgresKeys, ValuesAreLiterals) {
  EXPECT_EQ(rows({{"query",
                   "SELECT $text AS a, $n - $m AS b, $yes AS c, id FROM items WHERE id IN ($ids) AND 'a$b' <> $none"
                   " IS NULL"},
                  {"values", Json::object({{"text", "O'Brien\\'; DROP TABLE items --"},
                                           {"n", 3},
                                           {"m", -4},
                                           {"yes", true},
                                           {"ids", Json::array({2, 3})},
                                           {"none", "x"}})}}),
            "");
  EXPECT_EQ(rows({{"query", "SELECT $text::text AS a, 3 -$m AS b FROM items WHERE id IN ($ids) ORDER BY id"},
                  {"values", Json::object({{"text", "O'Brien\\'; --"}, {"m", -4}, {"ids", Json::array({2, 3})}})}}),
            "O'Brien\\'; --|7\nO'Brien\\'; --|7\n");
}

TEST_F(PostgresKeys, ValuesAndNamesMustMatch) {
  EXPECT_NE(
      message({{"query", "SELECT $thing"}, {"values", Json::object({{"things", 1}})}}).find("did you mean $things?"),
      std::string::npos);
  EXPECT_NE(message({{"query", "SELECT 1"}, {"values", Json::object({{"a", 1}})}}).find("does not use"),
            std::string::npos);
  EXPECT_NE(message({{"query", "SELECT id FROM items WHERE id IN ($ids)"},
                     {"values", Json::object({{"ids", Json::array()}})}})
                .find("is empty"),
            std::string::npos);
  EXPECT_NE(message({{"table", "items"}, {"values", Json::object({{"a", 1}})}}).find("without a 'query'"),
            std::string::npos);
}

TEST_F(PostgresKeys, QueryOrTable) {
  EXPECT_NE(message({}).find("'query' is required"), std::string::npos);
  EXPECT_NE(message({{"query", "SELECT 1"}, {"table", "items"}}).find("both set"), std::string::npos);
}

TEST_F(PostgresKeys, BatchSizeIsTheGrainOfProgress) {
  PostgresStep step(postgres_extractor());
  step.configure({{"query", "SELECT generate_series(1, 1000) AS n"}, {"batch_size", 100}});
  EXPECT_TRUE(step.run().ok());
  ASSERT_GE(step.progress_reports().size(), 10u);
  EXPECT_EQ(step.progress_reports().front(), 100u);
}

TEST_F(PostgresKeys, EchoWritesStatementsToTheLog) {
  PostgresStep step(postgres_extractor());
  step.configure({{"query", "SELECT 1 AS one"}, {"echo", true}});
  EXPECT_EQ(step.rows(), "1\n");
  EXPECT_NE(step.everything_said().find("SELECT 1 AS one"), std::string::npos);
  EXPECT_EQ(step.everything_said().find(kPostgresPassword), std::string::npos);
}

TEST_F(PostgresKeys, StatementTimeoutEndsTheQuery) {
  PostgresStep step(postgres_extractor());
  step.configure({{"query", "SELECT pg_sleep(30)"}, {"statement_timeout", 1}});
  const Error error = step.error();
  EXPECT_EQ(error.category, "runtime.timeout") << error.message;
  EXPECT_NE(error.message.find("statement timeout"), std::string::npos) << error.message;
}

TEST_F(PostgresKeys, LockTimeoutEndsTheWait) {
  PostgresStep step(postgres_extractor());
  in_shop("CREATE TABLE locked (id int)");
  // A second session holds the lock for as long as its query sleeps.
  std::thread other(
      [] { (void)plain_postgres().query("BEGIN; LOCK TABLE locked; SELECT pg_sleep(8); COMMIT", "shop"); });
  EXPECT_TRUE(osiris::test::eventually([] {
    return ask_shop("SELECT count(*) FROM pg_locks WHERE relation = 'locked'::regclass AND granted") != "0\n";
  }));
  step.configure({{"table", "locked"}, {"lock_timeout", 1}});
  const Error error = step.error();
  other.join();
  EXPECT_EQ(error.category, "runtime.timeout") << error.message;
  EXPECT_NE(error.message.find("lock timeout"), std::string::npos) << error.message;
}

TEST_F(PostgresKeys, AnUnknownTableIsNamed) {
  EXPECT_NE(message({{"table", "orderz"}}).find("relation \"orderz\" does not exist (SQLSTATE 42P01)"),
            std::string::npos);
}

TEST_F(PostgresKeys, PartitionReadsEveryRowOnce) {
  in_shop(
      "CREATE TABLE parts AS SELECT CASE WHEN n % 100 = 0 THEN NULL ELSE n * 7 - 350000 END AS k, n AS v "
      "FROM generate_series(1, 100000) AS n");
  PostgresStep step(postgres_extractor());
  step.configure({{"table", "parts"}, {"partition", Json::object({{"column", "k"}, {"parts", 5}})}, {"echo", true}});
  const auto outcome = step.run();
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_EQ(outcome->rows_read, 100000u);
  EXPECT_EQ(step.query("SELECT count(*), count(DISTINCT v), sum(v), count(k) FROM {out}"),
            "100000|100000|5000050000|99000\n");
  EXPECT_NE(step.everything_said().find("SET TRANSACTION SNAPSHOT"), std::string::npos);
  // With it the server would look through the whole table for the first part.
  EXPECT_EQ(step.everything_said().find(" OR "), std::string::npos);
}

TEST_F(PostgresKeys, PartitionOfNoRowsAndOfOneValue) {
  const Json five = Json::object({{"column", "id"}, {"parts", 5}});
  EXPECT_EQ(rows({{"query", "SELECT id FROM items WHERE false"}, {"partition", five}}), "");
  EXPECT_EQ(rows({{"query", "SELECT id FROM items WHERE id = 3"}, {"partition", five}}), "3\n");
  EXPECT_EQ(rows({{"query",
                   "SELECT id::bigint FROM (VALUES (-9223372036854775808), (9223372036854775807)) AS v(id) "
                   "ORDER BY 1"},
                  {"partition", Json::object({{"column", "id"}, {"parts", 1}})}}),
            "-9223372036854775808\n9223372036854775807\n");
}

TEST_F(PostgresKeys, ChunksReadEveryRowOnceByAColumnOfAnyTypeWithAnOrder) {
  in_shop(
      "CREATE TABLE chunked AS SELECT n AS v, CASE WHEN n % 10 <> 0 THEN 'ä' || n % 700 || '''\\' END AS word, CASE "
      "WHEN n % 9 <> 0 THEN 'NaN'::float8 ELSE n / 3.0 END AS part, DATE '2024-01-01' + n % 50 AS day, n % 2 = 0 AS "
      "even FROM generate_series(1, 5000) AS n");
  for (const char* column : {"v", "word", "part", "day", "even"})
    for (const int parts : {1, 3}) {
      SCOPED_TRACE(std::string(column) + " " + std::to_string(parts));
      PostgresStep step(postgres_extractor());
      step.configure({{"table", "chunked"},
                      {"partition", Json::object({{"column", column}, {"parts", parts}, {"chunk_rows", 450}})},
                      {"echo", true}});
      const auto outcome = step.run();
      ASSERT_TRUE(outcome.ok()) << outcome.error().message;
      EXPECT_EQ(step.query("SELECT count(*), count(DISTINCT v), sum(v) FROM {out}"), "5000|5000|12502500\n");
      // The bounds are made texts one by one, and no key that is skipped.
      EXPECT_NE(step.everything_said().find("::text AS osiris_bound FROM (SELECT c"), std::string::npos);
      EXPECT_EQ(step.everything_said().find(" OR "), std::string::npos);
    }
}

// Of a large table a sample of its pages says where chunks begin, and no index is looked through.
TEST_F(PostgresKeys, ChunksOfALargeTableBeginWhereASampleSays) {
  in_shop(
      "CREATE UNLOGGED TABLE large AS SELECT n AS k, n % 7 AS v, repeat('x', 330) AS filler FROM generate_series(1, "
      "200000) AS n; UPDATE large SET k = NULL WHERE k % 1000 = 0; ANALYZE large");
  PostgresStep step(postgres_extractor());
  step.configure({{"table", "large"},
                  {"columns", Json::array({"k", "v"})},
                  {"partition", Json::object({{"column", "k"}, {"parts", 1}, {"chunk_rows", 70000}})},
                  {"echo", true}});
  const auto outcome = step.run();
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_EQ(step.query("SELECT count(*), count(DISTINCT k), sum(k), sum(v) FROM {out}"),
            ask_shop("SELECT count(*) || '|' || count(DISTINCT k) || '|' || sum(k) || '|' || sum(v) FROM large"));
  const std::string said = step.everything_said();
  EXPECT_NE(said.find("TABLESAMPLE"), std::string::npos);
  EXPECT_EQ(said.find("OFFSET"), std::string::npos);
  size_t ranges = 0;
  for (size_t at = 0; (at = said.find("TO STDOUT", at)) != std::string::npos; ++at) ++ranges;
  EXPECT_EQ(ranges, 4u) << "three, and the rows without a value";
  // A sample of so small chunks would be most of the table.
  PostgresStep small(postgres_extractor());
  small.configure({{"table", "large"},
                   {"columns", Json::array({"k", "v"})},
                   {"partition", Json::object({{"column", "k"}, {"parts", 1}, {"chunk_rows", 20000}})},
                   {"echo", true}});
  ASSERT_TRUE(small.run().ok());
  EXPECT_NE(small.everything_said().find("OFFSET"), std::string::npos);
}

TEST_F(PostgresKeys, ChunksThatCannotBeAreRefused) {
  const auto by = [](const char* column) { return Json::object({{"column", column}, {"chunk_rows", 1}}); };
  EXPECT_EQ(rows({{"query", "SELECT 1 AS id WHERE false"}, {"partition", by("id")}}), "");
  EXPECT_NE(message({{"query", "SELECT '{}'::json AS j"}, {"partition", by("j")}}).find("ordering operator"),
            std::string::npos);
  EXPECT_NE(message({{"table", "items"}, {"partition", by("idd")}}).find("did you mean 'id'?"), std::string::npos);
}

TEST_F(PostgresKeys, PartitionNeedsAColumnOfWholeNumbers) {
  const auto by = [](const char* column) { return Json::object({{"column", column}, {"parts", 2}}); };
  EXPECT_NE(message({{"table", "items"}, {"partition", by("Name")}}).find("whole numbers"), std::string::npos);
  EXPECT_NE(message({{"table", "items"}, {"partition", by("idd")}}).find("did you mean 'id'?"), std::string::npos);
  EXPECT_NE(message({{"table", "items"}, {"partition", by("id")}, {"limit", 1}}).find("'limit'"), std::string::npos);
}

TEST_F(PostgresKeys, DescribeKnowsTheColumnsWithoutRunning) {
  PostgresStep step(postgres_extractor());
  step.configure({{"query", "SELECT pg_sleep(60)::text AS slept, 1::bigint AS n"}});
  ASSERT_TRUE(postgres_extractor().describe(step).ok());
  EXPECT_EQ(step.output_columns(), "slept VARCHAR, n BIGINT");
}

}  // namespace
}  // namespace osiris::worker::test
