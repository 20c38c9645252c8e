// What the server says of a query without executing it: `osiris validate --connect`.
#include "tests/drivers/mysql.extractor/servers.h"
#include "worker/drivers/mysql.extractor/driver.h"

namespace osiris::worker::test {
namespace {

Status describe(StepHarness& step, const std::string& query) {
  step.set_connection("mysql", "shop", fields_for(plain_server()));
  step.set_config({{"query", query}});
  return mysql_extractor().describe(step);
}

TEST(MysqlDescribe, MakesTheTableWithoutRowsAndExecutesNothing) {
  StepHarness step;
  const Status status = describe(step, "SELECT 1 AS id, 'a' AS name, NOW(6) AS at, SLEEP(3600) AS never");
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(step.query("SELECT string_agg(column_name || ' ' || column_type, ', ') FROM (DESCRIBE {out})"),
            "id INTEGER, name VARCHAR, at TIMESTAMP, never INTEGER\n");
  EXPECT_EQ(step.query("SELECT count(*) FROM {out}"), "0\n");
}

TEST(MysqlDescribe, SaysWhatTheServerSaysOfAWrongQuery) {
  StepHarness step;
  const Status status = describe(step, "SELECT nmae FROM information_schema.tables");
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("nmae"), std::string::npos) << status.error().message;
  EXPECT_FALSE(step.has_output_table());
}

TEST(MysqlDescribe, RefusesWhatWrites) {
  StepHarness step;
  const Status status = describe(step, "DELETE FROM mysql.user");
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("only reads"), std::string::npos) << status.error().message;
}

}  // namespace
}  // namespace osiris::worker::test
