// A server cuts, clamps or nulls values and only warns: the step fails, or says so.
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "tests/drivers/mysql.extractor/servers.h"
#include "worker/drivers/mysql.extractor/driver.h"

namespace osiris::worker::test {
namespace {

using osiris::test::MariaDbServer;

// A server whose limits cut: every one of them is a default of some server.
MariaDbServer& narrow_server() {
  static const std::unique_ptr<MariaDbServer> server = [] {
    auto started = MariaDbServer::start(
        {.arguments = {"--group-concat-max-len=10", "--max-allowed-packet=65536", "--max-error-count=1"}});
    const Status ready = started.ok() ? (*started)->execute(
                                            "CREATE DATABASE shop; CREATE USER reader@'%' IDENTIFIED BY "
                                            "'p@ss/w:rd %41\\'\\\"'; GRANT ALL ON shop.* TO reader@'%';"
                                            "SET GLOBAL sql_select_limit = 3")
                                      : Status(started.error());
    if (!ready.ok()) {
      std::fprintf(stderr, "%s\n", ready.error().message.c_str());
      std::abort();
    }
    return *std::move(started);
  }();
  return *server;
}

void fill_codes() {
  ASSERT_TRUE(plain_server()
                  .execute("USE shop; CREATE OR REPLACE TABLE codes (code VARCHAR(10), n INT, big DOUBLE);"
                           "INSERT INTO codes VALUES ('5', 1, 1e30), ('x5', 2, 1), ('abc', 0, 2)")
                  .ok());
}

TEST(MysqlLimits, OfTheServerDoNotCutResults) {
  EXPECT_EQ(MysqlStep(narrow_server(), "SELECT LENGTH(GROUP_CONCAT(seq)) AS a FROM seq_1_to_1000").rows(), "3892\n");
  EXPECT_EQ(MysqlStep(narrow_server(), "SELECT COUNT(*) FROM (SELECT seq FROM seq_1_to_10) x").rows(), "10\n");
  MysqlStep step(narrow_server(), "SELECT seq FROM seq_1_to_10");
  ASSERT_TRUE(step.run(mysql_extractor()).ok());
  EXPECT_EQ(step.query("SELECT count(*) FROM {out}"), "10\n");
}

TEST(MysqlWarnings, ValuesThatALimitNobodyMayLiftCutsAreAnError) {
  const Error error =
      MysqlStep(narrow_server(), "SELECT GROUP_CONCAT(REPEAT('x', 1000)) AS a FROM seq_1_to_100").error();
  EXPECT_NE(error.message.find("Row 66 was cut by GROUP_CONCAT() (warning 1260)"), std::string::npos) << error.message;
  EXPECT_EQ(error.category, "extract.schema_mismatch");
  EXPECT_NE(error.hint.find("on_warning: log"), std::string::npos);
}

TEST(MysqlWarnings, ValuesThatTheServerMadeNullAreAnError) {
  const Error error = MysqlStep(narrow_server(), "SELECT REPEAT('x', 100000) AS a").error();
  EXPECT_NE(error.message.find("larger than max_allowed_packet"), std::string::npos) << error.message;
}

class MysqlLoss : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(MysqlLoss, IsAnErrorWithTheServersWords) {
  fill_codes();
  MysqlStep step(GetParam().first);
  const Error error = step.error();
  EXPECT_EQ(error.message.rfind("MySQL execution failed: the server changed values of step pull: ", 0), 0u)
      << error.message;
  EXPECT_NE(error.message.find(GetParam().second), std::string::npos) << error.message;
  EXPECT_FALSE(step.has_output_table());
}

INSTANTIATE_TEST_SUITE_P(
    Of, MysqlLoss,
    ::testing::Values(std::pair("SELECT CAST('abc' AS SIGNED) AS a", "'abc'"),
                      std::pair("SELECT CAST(big AS SIGNED) AS a FROM codes", "1e30"),
                      std::pair("SELECT CAST(code AS SIGNED) AS a FROM codes WHERE n > 0", "'x5'"),
                      std::pair("SELECT CAST('abcdef' AS CHAR(3)) AS a", "'abcdef'"),
                      std::pair("SELECT code + 1 AS a FROM codes WHERE n = 2", "'x5'"),
                      std::pair("SELECT CAST(1000 AS DECIMAL(3,1)) AS a", "Out of range"),
                      std::pair("SELECT STR_TO_DATE('no date', '%Y-%m-%d') AS a", "no date"),
                      std::pair("SELECT CAST('2024-02-31' AS DATE) AS a", "2024-02-31"),
                      std::pair("SELECT DATE_ADD('9999-12-31', INTERVAL 1 DAY) AS a", "overflow"),
                      std::pair("SELECT JSON_EXTRACT('{', '$.a') AS a", "JSON"),
                      std::pair("SELECT UNCOMPRESS('abcdefgh') AS a", "warning"),
                      std::pair("SELECT CONVERT('kůň' USING latin1) AS a", "convert"),
                      std::pair("SELECT a.seq FROM seq_1_to_1000 a, seq_1_to_1000 b LIMIT ROWS EXAMINED 100",
                                "incomplete")));

TEST(MysqlWarnings, DivisionByZeroIsLogged) {
  MysqlStep step("SELECT 1 / 0 AS a UNION ALL SELECT 2 / 0");
  EXPECT_EQ(step.rows(), "NULL\nNULL\n");
  EXPECT_NE(step.everything_said().find("the server warned: Division by 0 (warning 1365), 2 times"), std::string::npos)
      << step.everything_said();
}

TEST(MysqlWarnings, ConversionsInAFilterAreLogged) {
  fill_codes();
  MysqlStep step("SELECT code, n FROM codes WHERE code = 5");
  EXPECT_EQ(step.rows(), "5|1\n");
  EXPECT_NE(step.everything_said().find("the server warned: Truncated incorrect"), std::string::npos)
      << step.everything_said();
}

TEST(MysqlWarnings, MoreThanAServerListsAreAnErrorForAnyOfThemMayHaveChangedAValue) {
  constexpr char kQuery[] = "SELECT COUNT(1 / (seq - seq)) AS a FROM seq_1_to_70000";
  const Error error = MysqlStep(kQuery).error();
  EXPECT_NE(error.message.find("the server warned 70000 times in step pull and lists 65535 of them, so whether it "
                               "changed a value cannot be told: Division by 0 (warning 1365), 65535 times"),
            std::string::npos)
      << error.message;
  EXPECT_NE(error.hint.find("NULLIF(b, 0)"), std::string::npos) << error.hint;
  EXPECT_EQ(MysqlStep("SELECT COUNT(1 / NULLIF(seq - seq, 0)) AS a FROM seq_1_to_70000").rows(), "0\n");
  MysqlStep step;
  step.configure({{"query", kQuery}, {"on_warning", "log"}});
  EXPECT_EQ(step.rows(), "0\n");
  EXPECT_NE(step.everything_said().find("the server warned 70000 times and lists 65535"), std::string::npos)
      << step.everything_said();
}

TEST(MysqlWarnings, AsManyAsAServerListsAreJudgedByTheList) {
  EXPECT_EQ(MysqlStep("SELECT COUNT(1 / (seq - seq)) AS a FROM seq_1_to_65535").rows(), "0\n");
}

TEST(MysqlWarnings, OfAProcedureAreReadAtItsEnd) {
  fill_codes();
  ASSERT_TRUE(plain_server()
                  .execute("USE shop; CREATE OR REPLACE PROCEDURE casts() BEGIN SELECT CAST(code AS SIGNED) AS a FROM "
                           "codes ORDER BY n; SET @done = 1; END; CREATE OR REPLACE PROCEDURE divides() SELECT n / 0 "
                           "AS a FROM codes; CREATE OR REPLACE PROCEDURE clean() BEGIN SELECT n FROM codes ORDER BY n; "
                           "SELECT code, n, big FROM codes; END")
                  .ok());
  const auto call = [](const char* query, const char* on_warning) {
    auto step = std::make_unique<MysqlStep>();
    step->configure({{"query", query}, {"allow", Json::array({"call"})}, {"on_warning", on_warning}});
    return step;
  };
  EXPECT_NE(call("CALL casts()", "error")->error().message.find("the server changed values of step pull: Truncated"),
            std::string::npos);
  EXPECT_EQ(call("CALL casts()", "log")->rows(), "0\n5\n0\n");
  const auto divides = call("CALL divides()", "error");
  EXPECT_EQ(divides->rows(), "NULL\nNULL\nNULL\n");
  EXPECT_NE(divides->everything_said().find("Division by 0 (warning 1365), 3 times"), std::string::npos);
  EXPECT_EQ(call("CALL clean()", "error")->rows(), "0\n1\n2\n");
}

TEST(MysqlProcedures, ThatFailBehindTheirRowsAreFailures) {
  ASSERT_TRUE(plain_server()
                  .execute("USE shop; CREATE OR REPLACE PROCEDURE gives_up() BEGIN SELECT 1 AS a; SIGNAL SQLSTATE "
                           "'45000' SET MESSAGE_TEXT = 'half done'; END")
                  .ok());
  MysqlStep step;
  step.configure({{"query", "CALL gives_up()"}, {"allow", Json::array({"call"})}});
  EXPECT_NE(step.error().message.find("half done"), std::string::npos);
}

TEST(MysqlWarnings, OfTheStepBeforeOnOneConnectionAreNotCountedAgain) {
  MysqlStep first;
  first.configure({{"query", "SELECT CAST('12x' AS SIGNED) AS a"}, {"on_warning", "log"}});
  EXPECT_EQ(first.rows(), "12\n");
  EXPECT_EQ(MysqlStep("SELECT 1 / 0 AS a").rows(), "NULL\n");
}

TEST(MysqlWarnings, WithinALimitCountToo) {
  fill_codes();
  MysqlStep step;
  step.configure({{"query", "SELECT CAST(code AS SIGNED) AS a FROM codes ORDER BY n"}, {"limit", 1}});
  EXPECT_NE(step.error().message.find("'abc'"), std::string::npos);
}

TEST(MysqlWarnings, OfAResultThatIsCutAreSaidToBeUnknown) {
  MysqlStep step;
  step.configure({{"query", "SELECT seq FROM seq_1_to_100 LIMIT 50"}, {"limit", 3}});
  EXPECT_EQ(step.rows(), "1\n2\n3\n");
  EXPECT_NE(step.everything_said().find("warnings on them are not known"), std::string::npos);
}

TEST(MysqlOnWarning, LogKeepsWhatTheServerSent) {
  MysqlStep step;
  step.configure({{"query", "SELECT CAST('12x' AS SIGNED) AS a"}, {"on_warning", "log"}});
  EXPECT_EQ(step.rows(), "12\n");
  EXPECT_NE(step.everything_said().find("the server changed values: Truncated incorrect INTEGER value: '12x'"),
            std::string::npos)
      << step.everything_said();
}

TEST(MysqlOnWarning, ErrorIsTheDefault) {
  MysqlStep step;
  step.configure({{"query", "SELECT CAST('12x' AS SIGNED) AS a"}, {"on_warning", "error"}});
  EXPECT_FALSE(step.error().message.empty());
}

}  // namespace
}  // namespace osiris::worker::test
