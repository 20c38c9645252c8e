// Every key of the step's config and of the connection does what docs/drivers/mysql.md says, and is refused where it
// says so.
#include "tests/drivers/mysql.extractor/servers.h"
#include "worker/drivers/mysql.extractor/driver.h"

#include <algorithm>

namespace osiris::worker::test {
namespace {

void fill_orders() {
  const Status status = plain_server().execute(
      "USE shop; CREATE OR REPLACE TABLE orders (id INT PRIMARY KEY, customer VARCHAR(20), `odd ``name` INT);"
      "INSERT INTO orders VALUES (1,'ann',10),(2,'bob',20),(3,'cyd',30),(4,'dan',40);"
      "USE other; CREATE OR REPLACE TABLE orders (id INT); INSERT INTO orders VALUES (99);"
      "CREATE OR REPLACE TABLE `we``ird.table` (id INT); INSERT INTO `we``ird.table` VALUES (7)");
  ASSERT_TRUE(status.ok()) << status.error().message;
}

TEST(MysqlQuery, IsSentAsItIs) {
  fill_orders();
  EXPECT_EQ(MysqlStep("SELECT id, customer FROM orders WHERE id > 2 ORDER BY id DESC;\n").rows(), "4|dan\n3|cyd\n");
}

TEST(MysqlQuery, MayBeAnythingThatReturnsRows) {
  fill_orders();
  EXPECT_EQ(MysqlStep("WITH x AS (SELECT 1 AS a UNION ALL SELECT 2) SELECT * FROM x").rows(), "1\n2\n");
  EXPECT_NE(MysqlStep("SHOW COLUMNS FROM orders").rows().find("customer|varchar(20)"), std::string::npos);
}

TEST(MysqlQuery, WithoutRowsStillMakesTheRelation) {
  fill_orders();
  MysqlStep step("SELECT * FROM orders WHERE id < 0");
  EXPECT_EQ(step.rows(), "");
  EXPECT_EQ(step.output_columns(), "id INTEGER, customer VARCHAR, odd `name INTEGER");
}

TEST(MysqlQuery, ThatIsNotSqlIsAnErrorWithTheServersWords) {
  MysqlStep step("SELECT FROM WHERE");
  const Error error = step.error();
  EXPECT_EQ(error.message.rfind("MySQL query failed: You have an error in your SQL syntax", 0), 0u) << error.message;
  EXPECT_EQ(error.category, "extract.query_failed");
  EXPECT_EQ(error.code, Code::kStepFailed);
  EXPECT_FALSE(step.has_output_table());
}

TEST(MysqlQuery, OnATableThatIsNotThereNamesIt) {
  EXPECT_NE(MysqlStep("SELECT * FROM absent").error().message.find("Table 'shop.absent' doesn't exist (error 1146)"),
            std::string::npos);
}

TEST(MysqlQuery, WithAParameterMarkIsRefused) {
  EXPECT_NE(MysqlStep("SELECT ? AS a").error().message.find("1 parameter marks (?)"), std::string::npos);
}

TEST(MysqlQuery, WithTwoColumnsOfOneNameIsRefusedWithTheName) {
  const Error error = MysqlStep("SELECT 1 AS id, 2 AS ID").error();
  EXPECT_NE(error.message.find("two columns are called 'id'"), std::string::npos) << error.message;
  EXPECT_EQ(error.category, "extract.schema_mismatch");
}

TEST(MysqlValues, AreBoundAndNeverReadAsSql) {
  fill_orders();
  for (const char* name : {"O'Brien", "' OR '1'='1", "\\'; DROP TABLE orders -- ", "\"", "\\"}) {
    MysqlStep step;
    step.configure({{"query", "SELECT $name AS a, COUNT(*) AS b FROM orders WHERE customer = $name"},
                    {"values", Json::object({{"name", name}})}});
    EXPECT_EQ(step.rows(), std::string(name) + "|0\n");
  }
}

TEST(MysqlValues, KeepTheTypesTheyHave) {
  fill_orders();
  MysqlStep step;
  step.configure({{"query",
                   "SELECT id - $i AS a, $u AS b, $d AS c, $e = 1e300 AS d, $t AS e, $n IS NULL AS f FROM orders "
                   "WHERE id = $one AND customer IN ($names) LIMIT $one"},
                  {"values", Json::object({{"i", -5},
                                           {"u", 18446744073709551615ull},
                                           {"d", 0.25},
                                           {"e", 1e300},
                                           {"t", true},
                                           {"n", nullptr},
                                           {"one", 1},
                                           {"names", Json::array({"ann", "o'b"})}})}});
  EXPECT_EQ(step.rows(), "6|18446744073709551615|0.25|1|1|1\n");
}

TEST(MysqlValues, LeaveOtherDollarSignsAlone) {
  fill_orders();
  MysqlStep step;
  step.configure(
      {{"query", "SELECT '$a' AS x, a$a AS y, `$a` AS z, $a AS w /* $b */ FROM (SELECT 1 AS a$a, 2 AS `$a`) t -- $c"},
       {"values", Json::object({{"a", 3}})}});
  EXPECT_EQ(step.rows(), "$a|1|2|3\n");
}

TEST(MysqlValues, ThatAreMissingOrUnusedAreErrors) {
  const auto message = [](const std::string& query, Json values) {
    MysqlStep step;
    step.configure({{"query", query}, {"values", std::move(values)}});
    const Error error = step.error();
    return error.message + " (" + error.hint + ")";
  };
  EXPECT_EQ(message("SELECT $sinc AS a", Json::object({{"since", 1}})),
            "MySQL query failed: it uses $sinc, and `values:` holds no 'sinc' (did you mean $since?)");
  EXPECT_NE(message("SELECT 1", Json::object({{"x", 1}})).find("holds 'x', which the query does not use"),
            std::string::npos);
  EXPECT_NE(message("SELECT ?, $x", Json::object({{"x", 1}})).find("parameter mark (?)"), std::string::npos);
  EXPECT_NE(message("SELECT 1 IN ($x)", Json::object({{"x", Json::array()}})).find("is empty"), std::string::npos);
  EXPECT_NE(message("SELECT $x", Json::object({{"x", Json::object()}})).find("no type for"), std::string::npos);
}

TEST(MysqlValues, NeedAQuery) {
  MysqlStep step;
  step.configure({{"table", "orders"}, {"values", Json::object({{"a", 1}})}});
  EXPECT_EQ(step.error().message, "Step pull: 'values' is set without a 'query'");
}

TEST(MysqlTable, IsReadWhole) {
  fill_orders();
  MysqlStep step;
  step.configure({{"table", "orders"}});
  EXPECT_EQ(step.rows(), "1|ann|10\n2|bob|20\n3|cyd|30\n4|dan|40\n");
}

TEST(MysqlTable, AndQueryTogetherAreRefused) {
  MysqlStep step;
  step.configure({{"table", "orders"}, {"query", "SELECT 1"}});
  const Error error = step.error();
  EXPECT_EQ(error.message, "Step pull: 'query' and 'table' are both set");
  EXPECT_EQ(error.category, "config.invalid");
}

TEST(MysqlTable, OrQueryMustBeThere) {
  MysqlStep step;
  EXPECT_EQ(step.error().message, "Step pull: 'query' is required in config");
}

TEST(MysqlTable, NamesAreQuoted) {
  fill_orders();
  MysqlStep step;
  step.configure({{"table", "we`ird.table"}, {"schema", "other"}});
  EXPECT_EQ(step.rows(), "7\n");
}

TEST(MysqlColumns, OfATableAreSelectedInTheirOrder) {
  fill_orders();
  MysqlStep step;
  step.configure({{"table", "orders"}, {"columns", Json::array({"odd `name", "id"})}, {"limit", 2}});
  EXPECT_EQ(step.rows(), "10|1\n20|2\n");
  EXPECT_EQ(step.output_columns(), "odd `name INTEGER, id INTEGER");
}

TEST(MysqlColumns, OfAQueryAreKeptInTheirOrder) {
  fill_orders();
  MysqlStep step;
  step.configure({{"query", "SELECT id, customer, '0000-00-00' AS ignored, id * 2 AS twice FROM orders ORDER BY id"},
                  {"columns", Json::array({"twice", "CUSTOMER"})}});
  EXPECT_EQ(step.rows(), "2|ann\n4|bob\n6|cyd\n8|dan\n");
}

TEST(MysqlColumns, ThatDoNotExistAreRefusedWithTheNearestName) {
  fill_orders();
  MysqlStep step;
  step.configure({{"query", "SELECT * FROM orders"}, {"columns", Json::array({"custmer"})}});
  const Error error = step.error();
  EXPECT_NE(error.message.find("no column 'custmer'"), std::string::npos);
  EXPECT_EQ(error.hint, "did you mean 'customer'?");
}

TEST(MysqlPartition, ReadsEveryRowOnceAndRefusesWhatCannotDivideThem) {
  fill_orders();
  const auto by = [](const char* column) { return Json::object({{"column", column}, {"chunk_rows", 2}}); };
  MysqlStep step;
  step.configure({{"query", "SELECT id FROM orders WHERE id >= $least ORDER BY id"},
                  {"values", Json::object({{"least", 2}})},
                  {"partition", by("ID")}});
  EXPECT_EQ(step.rows(), "2\n3\n4\n");
  for (const auto& [column, query, says] :
       {std::tuple("idd", "SELECT id FROM orders", "did you mean 'id'?"),
        std::tuple("g", "SELECT ST_GeomFromText('POINT(1 1)') AS g FROM orders", "'partition'")}) {
    MysqlStep refused;
    refused.configure({{"query", query}, {"partition", by(column)}});
    const Error error = refused.error();
    EXPECT_NE((error.message + error.hint).find(says), std::string::npos) << error.message << error.hint;
  }
  MysqlStep limited;
  limited.configure({{"table", "orders"}, {"partition", by("id")}, {"limit", 2}});
  EXPECT_NE(limited.error().message.find("'limit' or 'offset'"), std::string::npos);
}

TEST(MysqlLimit, AndOffsetOfATable) {
  fill_orders();
  MysqlStep step;
  step.configure({{"table", "orders"}, {"columns", Json::array({"id"})}, {"limit", 2}, {"offset", 1}});
  EXPECT_EQ(step.rows(), "2\n3\n");
}

TEST(MysqlLimit, OffsetAloneSkipsRows) {
  fill_orders();
  MysqlStep step;
  step.configure({{"table", "orders"}, {"columns", Json::array({"id"})}, {"offset", 3}});
  EXPECT_EQ(step.rows(), "4\n");
}

TEST(MysqlLimit, AndOffsetOfAQueryKeepItsOrder) {
  fill_orders();
  MysqlStep step;
  step.configure({{"query", "SELECT id FROM orders ORDER BY id DESC"}, {"limit", 2}, {"offset", 1}});
  EXPECT_EQ(step.rows(), "3\n2\n");
}

TEST(MysqlLimit, OffsetBeyondTheEndGivesNoRows) {
  fill_orders();
  for (const auto& source : {Json::Member("table", "orders"), Json::Member("query", "SELECT * FROM orders")}) {
    MysqlStep step;
    step.configure({source, {"offset", 10}});
    EXPECT_EQ(step.rows(), "");
  }
}

TEST(MysqlLimit, OfAHugeQueryDoesNotReadTheRest) {
  MysqlStep step;
  step.configure({{"query", "SELECT seq FROM seq_1_to_4000000000"}, {"limit", 3}});
  EXPECT_EQ(step.rows(), "1\n2\n3\n");
}

TEST(MysqlBatchSize, IsHowManyRowsAreHandedOverAtATime) {
  MysqlStep step;
  step.configure({{"query", "SELECT seq FROM seq_1_to_1000"}, {"batch_size", 300}});
  ASSERT_TRUE(step.run(mysql_extractor()).ok());
  EXPECT_EQ(step.progress_reports(), (std::vector<uint64_t>{300, 600, 900, 1000}));
}

TEST(MysqlBatchSize, OfWideRowsEndsEarlierSoThatMemoryIsBounded) {
  MysqlStep step;
  step.configure({{"query", "SELECT REPEAT('x', 1000000) AS a FROM seq_1_to_100"}, {"batch_size", 100000}});
  ASSERT_TRUE(step.run(mysql_extractor()).ok());
  EXPECT_GE(step.progress_reports().size(), 3u);
  EXPECT_EQ(step.query("SELECT count(*), sum(length(a)) FROM {out}"), "100|100000000\n");
}

TEST(MysqlSchema, IsTheDatabaseThatUnqualifiedNamesMean) {
  fill_orders();
  for (const auto& source : {Json::Member("table", "orders"), Json::Member("query", "SELECT * FROM orders")}) {
    MysqlStep step;
    step.configure({source, {"schema", "other"}});
    EXPECT_EQ(step.rows(), "99\n");
  }
}

TEST(MysqlSchema, ThatDoesNotExistIsAnErrorBeforeTheQuery) {
  ASSERT_TRUE(plain_server().execute("GRANT ALL ON nowhere.* TO reader@'%'").ok());
  MysqlStep step;
  step.configure({{"query", "SELECT 1"}, {"schema", "nowhere"}});
  const Error error = step.error();
  EXPECT_NE(error.message.find("Unknown database 'nowhere'"), std::string::npos) << error.message;
  EXPECT_EQ(error.category, "connection.invalid_config");
}

TEST(MysqlEcho, LogsEachStatement) {
  MysqlStep step;
  step.configure({{"query", "SELECT 42 AS answer"}, {"echo", true}});
  ASSERT_TRUE(step.run(mysql_extractor()).ok());
  EXPECT_NE(step.everything_said().find("SELECT 42 AS answer"), std::string::npos);
  EXPECT_NE(step.everything_said().find("START TRANSACTION READ ONLY"), std::string::npos);
  EXPECT_EQ(step.everything_said().find(kPassword), std::string::npos);
}

TEST(MysqlEcho, IsOffByDefault) {
  MysqlStep step("SELECT 42 AS answer");
  ASSERT_TRUE(step.run(mysql_extractor()).ok());
  EXPECT_EQ(step.everything_said().find("SELECT"), std::string::npos);
}

// ---- connection fields

TEST(MysqlConnection, ValuesFromTheEnvironmentAreTextAndWorkAllTheSame) {
  const std::string port = std::to_string(plain_server().port());
  EXPECT_EQ(MysqlStep("SELECT 1", {{"port", port}, {"connect_timeout", "5"}}).rows(), "1\n");
}

TEST(MysqlConnection, WinsOverTheSpecsDefaults) {
  MysqlStep step("SELECT 1");  // the cfg says localhost:3306, the connection says where the server is
  EXPECT_EQ(step.rows(), "1\n");
}

TEST(MysqlConnection, HostAndPortOfTheStepWinWhereTheyAreNotTheDefault) {
  MysqlStep step("SELECT 1", {{"host", "192.0.2.1"}, {"port", 1}});
  step.configure({{"query", "SELECT 1"}, {"host", "127.0.0.1"}, {"port", int64_t{plain_server().port()}}});
  EXPECT_EQ(step.rows(), "1\n");
}

TEST(MysqlConnection, LocalhostMeansTcp) { EXPECT_EQ(MysqlStep("SELECT 1", {{"host", "localhost"}}).rows(), "1\n"); }

TEST(MysqlConnection, UsernameIsUser) {
  EXPECT_EQ(MysqlStep("SELECT 1", {{"user", nullptr}, {"username", "reader"}}).rows(), "1\n");
}

TEST(MysqlConnection, WithoutAUserIsRoot) {
  MysqlStep step("SELECT 1", {{"user", nullptr}});
  EXPECT_NE(step.error().message.find("'root'@"), std::string::npos);
}

TEST(MysqlConnection, WithoutADatabaseIsRefused) {
  EXPECT_EQ(MysqlStep("SELECT 1", {{"database", nullptr}}).error().message,
            "Step pull: 'database' is required in connection");
}

TEST(MysqlConnection, MustBeThere) {
  StepHarness step("pull");
  step.set_config({{"query", "SELECT 1"}});
  const auto outcome = step.run(mysql_extractor());
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().message, "Step pull: 'resolved_connection' is required");
}

TEST(MysqlConnection, CharsetOtherThanUtf8IsRefused) {
  EXPECT_EQ(MysqlStep("SELECT 'é' AS a", {{"charset", "utf8mb4"}}).rows(), "é\n");
  EXPECT_EQ(MysqlStep("SELECT 1", {{"charset", "latin1"}}).error().category, "connection.invalid_config");
}

TEST(MysqlConnection, UnknownFieldsAreRefusedWithTheNearestName) {
  const Error error = MysqlStep("SELECT 1", {{"pasword", "x"}}).error();
  EXPECT_EQ(error.message, "Step pull: unknown connection field 'pasword'");
  EXPECT_EQ(error.hint, "did you mean 'password'?");
}

TEST(MysqlConnection, AHostThatTheClientLibraryWouldTakeForSomethingElseIsRefused) {
  for (const char* host : {"a;b", "a,b", "replication://a", "a b", "user@a"}) {
    EXPECT_EQ(MysqlStep("SELECT 1", {{"host", host}}).error().category, "connection.invalid_config") << host;
  }
}

TEST(MysqlConnection, PortsOutOfRangeAreRefused) {
  for (const Json& port : {Json(0), Json(65536), Json("x"), Json(-1), Json("")}) {
    EXPECT_EQ(MysqlStep("SELECT 1", {{"port", port}}).error().category, "connection.invalid_config") << port.dump();
  }
}

TEST(MysqlConnection, AnAccountThatMayNotReadTheTableIsToldSo) {
  ASSERT_TRUE(
      plain_server()
          .execute("CREATE OR REPLACE TABLE other.secret (a INT);"
                   "CREATE USER IF NOT EXISTS narrow@'%' IDENTIFIED BY 'n'; GRANT SELECT ON shop.* TO narrow@'%'")
          .ok());
  const Error error = MysqlStep("SELECT * FROM other.secret", {{"user", "narrow"}, {"password", "n"}}).error();
  EXPECT_EQ(error.category, "extract.permission_denied");
  EXPECT_NE(error.message.find("SELECT command denied"), std::string::npos) << error.message;
}

}  // namespace
}  // namespace osiris::worker::test
