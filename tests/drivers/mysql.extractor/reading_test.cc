// An extractor reads: whatever a query says, nothing is written. Each row of these was executed once.
#include "tests/drivers/mysql.extractor/servers.h"
#include "worker/drivers/mysql.extractor/driver.h"

#include <filesystem>

namespace osiris::worker::test {
namespace {

void make_target() {
  const Status status = plain_server().execute(
      "USE shop; CREATE OR REPLACE TABLE target (id INT PRIMARY KEY); INSERT INTO target VALUES (1),(2),(3),(4);"
      "CREATE OR REPLACE PROCEDURE two() SELECT 1 AS a UNION SELECT 2;"
      "CREATE OR REPLACE PROCEDURE writes() BEGIN INSERT INTO target VALUES (9); SELECT 1 AS a; END;"
      "DROP FUNCTION IF EXISTS adds; CREATE FUNCTION adds() RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO target "
      "VALUES "
      "(8); RETURN 1; END");
  ASSERT_TRUE(status.ok()) << status.error().message;
}

void expect_nothing_written() { EXPECT_EQ(*plain_server().query("SELECT COUNT(*) FROM shop.target"), "4\n"); }

class MysqlWrites : public ::testing::TestWithParam<const char*> {};

TEST_P(MysqlWrites, AreRefused) {
  make_target();
  const Error error = MysqlStep(GetParam()).error();
  EXPECT_NE(error.message.find("only reads"), std::string::npos) << error.message;
  EXPECT_EQ(error.category, "extract.query_failed");
  expect_nothing_written();
}

INSTANTIATE_TEST_SUITE_P(
    Statements, MysqlWrites,
    ::testing::Values(
        "INSERT INTO target VALUES (5) RETURNING id", "DELETE FROM target RETURNING id",
        "CREATE TABLE stolen AS SELECT 1 AS a", "DROP TABLE target", "TRUNCATE target",
        "SET STATEMENT transaction_read_only = 0 FOR INSERT INTO target VALUES (5) RETURNING id",
        "BEGIN NOT ATOMIC COMMIT; SET transaction_read_only = 0; INSERT INTO target VALUES (5); SELECT 1; END",
        "SET @a = 1", "SET GLOBAL group_concat_max_len = 10", "SELECT 1 INTO @a",
        "SELECT 1 /*! INTO OUTFILE '/tmp/osiris-stolen' */", "/*M! INSERT INTO target VALUES (5) */",
        "-- reads\nREPLACE INTO target VALUES (5) RETURNING id"));

TEST(MysqlReading, ATransactionStopsWhatWordsDoNotShow) {
  make_target();
  const Error error = MysqlStep("SELECT adds() AS a").error();
  EXPECT_NE(error.message.find("READ ONLY transaction"), std::string::npos) << error.message;
  EXPECT_EQ(error.hint, "an extractor only reads: statements that write are refused");
  expect_nothing_written();
}

TEST(MysqlReading, LeavesNoTransactionOpen) {
  make_target();
  MysqlStep first("SELECT * FROM target");
  ASSERT_EQ(first.rows(), "1\n2\n3\n4\n");
  // A transaction left open in the pool would hold the table's metadata lock.
  const Status status = plain_server().execute("SET lock_wait_timeout = 1; ALTER TABLE shop.target ADD COLUMN b INT");
  EXPECT_TRUE(status.ok()) << status.error().message;
}

TEST(MysqlReading, SeveralStatementsAreRefusedWithTheRemedy) {
  const Error error = MysqlStep("SELECT 1; SELECT 2").error();
  EXPECT_EQ(error.message, "MySQL query failed: the query holds several statements");
}

TEST(MysqlReading, AMistypedFirstWordIsNamed) { EXPECT_EQ(MysqlStep("SELEKT 1").error().hint, "did you mean SELECT?"); }

TEST(MysqlReading, TakesAllKindsOfReading) {
  make_target();
  for (const char* sql :
       {"SHOW TABLES LIKE 'target'", "SHOW COLUMNS FROM target", "SHOW CREATE TABLE target", "SHOW GRANTS",
        "SHOW PROCESSLIST", "SHOW VARIABLES LIKE 'port'", "DESCRIBE target", "EXPLAIN SELECT * FROM target",
        "VALUES (1),(2)", "(SELECT 1 AS a) UNION (SELECT 2)", "WITH x AS (SELECT 1 AS a) SELECT * FROM x"}) {
    MysqlStep step(sql);
    const auto outcome = step.run(mysql_extractor());
    EXPECT_TRUE(outcome.ok()) << sql << ": " << outcome.error().message;
  }
}

TEST(MysqlAllow, WithoutCallAProcedureIsNotCalled) {
  make_target();
  const Error error = MysqlStep("CALL two()").error();
  EXPECT_EQ(error.message, "MySQL query failed: CALL runs a procedure, which may write");
  EXPECT_NE(error.hint.find("allow: [call]"), std::string::npos);
}

TEST(MysqlAllow, CallReadsAProceduresFirstResult) {
  make_target();
  MysqlStep step;
  step.configure({{"query", "CALL two()"}, {"allow", Json::array({"call"})}});
  EXPECT_EQ(step.rows(), "1\n2\n");
  EXPECT_EQ(MysqlStep("SELECT 3 AS a").rows(), "3\n");  // the connection's other results disturb nobody
}

TEST(MysqlAllow, CallStaysInTheReadOnlyTransaction) {
  make_target();
  MysqlStep step;
  step.configure({{"query", "CALL writes()"}, {"allow", Json::array({"call"})}});
  EXPECT_NE(step.error().message.find("READ ONLY transaction"), std::string::npos);
  expect_nothing_written();
}

}  // namespace
}  // namespace osiris::worker::test
