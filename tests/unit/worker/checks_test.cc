// Data checks, run by the executor on rows that a step's SQL makes.
#include <gmock/gmock.h>

#include "tests/unit/worker/executor_fixture.h"
#include "worker/drivers/duckdb.processor/driver.h"

namespace osiris::worker {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class ChecksTest : public ExecutorTest {
 protected:
  ChecksTest() {
    more_drivers = [](std::string_view name) -> const Driver* {
      return name == "duckdb.processor" ? &duckdb_processor() : nullptr;
    };
  }

  static Json sql(const std::string& id, const std::string& query, const std::string& checks = "",
                  const std::vector<std::string>& needs = {}) {
    Json made = step(id, "duckdb.processor", needs, Json::object({{"query", query}}));
    if (!checks.empty()) made.set("checks", parse("[" + checks + "]"));
    return made;
  }

  // The result of one check on the rows of `query`: "pass", "fail 2", "error".
  std::string result_of(const std::string& query, const std::string& check) {
    sink_.clear();
    outcomes_.clear();
    Json named = parse(check);
    if (!named.contains("name")) named.set("name", "c");
    named.set("severity", "warn");
    plan({sql("rows", query, named.dump())});
    ask("rows");
    const RequestResult end = outcome("rows");
    const Json event = sink_.event("check_result");
    const std::string status = event["status"].as_string();
    EXPECT_EQ(std::holds_alternative<Error>(end), status == "error") << check;
    message_ = event["message"].as_string();
    finish();
    return status == "fail" ? "fail " + event["failures"].dump() : status;
  }
  std::string message_;
};

struct Case {
  const char* rows;
  const char* check;
  const char* result;
};

TEST_F(ChecksTest, EachKindCountsTheRowsThatFail) {
  const std::string people = "FROM (VALUES (1, 'Ann', 1.5), (2, NULL, 2.5), (2, 'Bob', 'nan'::DOUBLE)) t(id, name, n)";
  const std::string rows = "SELECT * " + people;
  const Case cases[] = {
      {"", R"({"type":"not_null","columns":["id"]})", "pass"},
      {"", R"({"type":"not_null","columns":["id","NAME"]})", "fail 1"},
      {"", R"({"type":"unique","columns":["id"]})", "fail 2"},
      {"", R"({"type":"unique","columns":["id","name"]})", "pass"},
      {"", R"({"type":"unique","columns":["name"]})", "pass"},
      {"", R"({"type":"accepted_values","columns":["id"],"values":[1,2]})", "pass"},
      {"", R"({"type":"accepted_values","columns":["id"],"values":[1.0,3]})", "fail 2"},
      {"", R"({"type":"accepted_values","columns":["id"],"values":[2.5]})", "fail 3"},
      {"", R"({"type":"accepted_values","columns":["name"],"values":["Ann"]})", "fail 1"},
      {"", R"({"type":"row_count","min":3,"max":3})", "pass"},
      {"", R"({"type":"row_count","min":4})", "fail 1"},
      {"", R"({"type":"row_count","max":2})", "fail 1"},
      {"", R"({"type":"range","columns":["id"],"min":1,"max":2})", "pass"},
      {"", R"({"type":"range","columns":["id"],"min":1.5})", "fail 1"},
      {"", R"({"type":"range","columns":["n"],"max":2})", "fail 2"},
      {"", R"({"type":"range","columns":["name"],"min":"B"})", "fail 1"},
      {"", R"({"type":"pattern","columns":["name"],"pattern":"^[AB]"})", "pass"},
      {"", R"({"type":"pattern","columns":["name"],"pattern":"^A"})", "fail 1"},
      {"", R"({"type":"relationships","columns":["id"],"to":{"step":"rows","column":"id"}})", "pass"},
      {"", R"({"type":"relationships","columns":["id"],"to":{"step":"rows","column":"n"}})", "fail 3"},
      {"", R"({"type":"sql","sql":"SELECT * FROM this WHERE id = 2"})", "fail 2"},
      {"", R"({"type":"sql","sql":"SELECT * FROM df_rows WHERE id > 2"})", "pass"},
      {"SELECT DATE '2025-03-01' AS d, 'x'::ENUM('x', 'y') AS e, true AS b, NULL AS u",
       R"({"type":"range","columns":["d"],"min":"2025-03-01","max":"2025-03-01"})", "pass"},
      {"SELECT DATE '2025-03-01' AS d", R"({"type":"range","columns":["d"],"min":"2025-03-02"})", "fail 1"},
      {"SELECT 'x'::ENUM('x', 'y') AS e", R"({"type":"accepted_values","columns":["e"],"values":["x","z"]})", "pass"},
      {"SELECT 'y'::ENUM('x', 'y') AS e", R"({"type":"accepted_values","columns":["e"],"values":["x","z"]})", "fail 1"},
      {"SELECT true AS b", R"({"type":"accepted_values","columns":["b"],"values":[true]})", "pass"},
      {"SELECT NULL AS u", R"({"type":"accepted_values","columns":["u"],"values":[1]})", "pass"},
      {"SELECT NULL AS u", R"({"type":"not_null","columns":["u"]})", "fail 1"},
      {"SELECT TIMESTAMP '2001-01-01' AS t", R"({"type":"freshness","columns":["t"],"max_age_s":86400})", "fail 1"},
      {"SELECT TIMESTAMP '2999-01-01' AS t", R"({"type":"freshness","columns":["t"],"max_age_s":86400})", "pass"},
      {"SELECT DATE '2001-01-01' AS t UNION ALL SELECT current_date + 1",
       R"({"type":"freshness","columns":["t"],"max_age_s":86400})", "pass"},
      {"SELECT TIMESTAMPTZ '2001-01-01 00:00:00+02' AS t", R"({"type":"freshness","columns":["t"],"max_age_s":9})",
       "fail 1"},
      {"SELECT TIMESTAMP '2999-01-01' AS t WHERE false", R"({"type":"freshness","columns":["t"],"max_age_s":9})",
       "fail 1"},
      {"SELECT 1 AS \"a \"\"b\"", R"({"type":"unique","columns":["a \"b"]})", "pass"},
  };
  for (const Case& one : cases)
    EXPECT_EQ(result_of(*one.rows ? one.rows : rows, one.check), one.result) << one.check << one.rows << message_;
}

// Never a pass, whatever the severity.
TEST_F(ChecksTest, OneThatCannotBeRunFailsTheStep) {
  const Case cases[] = {
      {"SELECT 1 AS id", R"({"type":"not_null","columns":["ident"]})", "have no column 'ident'"},
      {"SELECT 1 AS id", R"({"type":"accepted_values","columns":["id"],"values":["one"]})", "is INTEGER"},
      {"SELECT 'a' AS id", R"({"type":"freshness","columns":["id"],"max_age_s":9})", "freshness is for dates"},
      {"SELECT 1 AS id", R"({"type":"pattern","columns":["id"],"pattern":"1"})", "is for texts"},
      {"SELECT 'a' AS id", R"({"type":"pattern","columns":["id"],"pattern":"("})", "missing )"},
      {"SELECT DATE '2025-01-01' AS d", R"({"type":"range","columns":["d"],"min":"soon"})", "soon"},
      {"SELECT DATE '2025-01-01' AS d", R"({"type":"range","columns":["d"],"min":3})", "number 3"},
      {"SELECT [1] AS l", R"({"type":"range","columns":["l"],"min":3})", "sql check"},
      {"SELECT 1 AS id, 'x' AS t", R"({"type":"relationships","columns":["id"],"to":{"step":"rows","column":"t"}})",
       "is VARCHAR"},
      {"SELECT 1 AS id", R"({"type":"relationships","columns":["id"],"to":{"step":"rows","column":"x"}})",
       "of step rows have no column 'x'"},
      {"SELECT 1 AS id", R"({"type":"sql","sql":"SELECT * FROM elsewhere"})", "elsewhere"},
      {"SELECT 1 AS id", R"x({"type":"sql","sql":"SELECT * FROM read_csv('/etc/passwd')"})x", "cannot reach files"},
      {"SELECT 1 AS id", R"({"type":"sql","sql":"SELECT error('broken') FROM this"})", "broken"},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(result_of(one.rows, one.check), "error") << one.check;
    const Error failed = error("rows");
    EXPECT_EQ(failed.code, Code::kStepFailed);
    EXPECT_EQ(failed.category, "validation.failed");
    EXPECT_THAT(failed.message + failed.hint, HasSubstr(one.result)) << one.check;
    EXPECT_THAT(failed.message, Not(HasSubstr("osiris_")));
  }
}

TEST_F(ChecksTest, RunBeforeAnotherStepReadsTheRows) {
  plan({sql("rows", "SELECT 1 AS id UNION ALL SELECT 1",
            R"({"name":"one","type":"unique","columns":["id"]},{"name":"two","type":"row_count","min":1})"),
        sql("reader", "SELECT * FROM df_rows", "", {"rows"})});
  ask_all({"reader", "rows"});
  const Error failed = error("rows");
  EXPECT_EQ(failed.message, "1 of 2 checks failed: one: 2 of 2 rows share their values of id with another row");
  EXPECT_EQ(failed.category, "validation.failed");
  EXPECT_EQ(error("reader").detail["cause"].as_string(), "rows");
  const auto names = sink_.event_names("rows");
  EXPECT_EQ(std::count(names.begin(), names.end(), "check_result"), 2);
  EXPECT_THAT(names, Not(Contains("step_complete")));
  EXPECT_THAT(sink_.event_names("reader"), ElementsAre("step_skipped"));
}

TEST_F(ChecksTest, AWarningLetsTheRunGoOn) {
  plan({sql("rows", "SELECT NULL AS id", R"({"name":"one","type":"not_null","columns":["id"],"severity":"warn"})"),
        sql("reader", "SELECT count(*) AS n FROM df_rows", "", {"rows"})});
  ask_all({"rows", "reader"});
  result("reader");
  const Json event = sink_.event("check_result");
  EXPECT_EQ(event["status"].as_string(), "fail");
  EXPECT_EQ(event["severity"].as_string(), "warn");
  EXPECT_EQ(event["failures"].as_int(), 1);
}

TEST_F(ChecksTest, ARelationshipReadsAnotherStepsRowsWhichStayUntilThen) {
  Json orders = sql("orders", "SELECT * FROM (VALUES (1), (7), (NULL)) t(customer)",
                    R"({"name":"known","type":"relationships","columns":["customer"],"severity":"warn",)"
                    R"("to":{"step":"customers","column":"id"}})");
  orders.set("needs", Json::array({"customers"}));
  plan({sql("customers", "SELECT 1 AS id"), orders});
  ask_all({"orders", "customers"});
  EXPECT_EQ(result("orders")["metrics"]["rows_out"].as_int(), 3);
  EXPECT_EQ(sink_.event("check_result")["failures"].as_int(), 1);
  EXPECT_THAT(sink_.event_names("orders"), Not(Contains("inputs_resolved")));
}

TEST_F(ChecksTest, TheirSqlSeesTheStepsInputs) {
  plan(
      {sql("all", "SELECT range AS id FROM range(5)"),
       sql("some", "SELECT * FROM df_all WHERE id < 3",
           R"x({"name":"lost","type":"sql","sql":"SELECT * FROM input_df WHERE id NOT IN (SELECT id FROM this)","severity":"warn"})x",
           {"all"})});
  ask_all({"all", "some"});
  result("some");
  EXPECT_EQ(sink_.event("check_result")["failures"].as_int(), 2);
}

TEST_F(ChecksTest, RowsThatFailAreStored) {
  plan({sql(
      "rows", "SELECT * FROM (VALUES (2, 'x'), (1, ''), (1, NULL)) t(id, w)",
      R"({"name":"../a b","type":"unique","columns":["id"],"severity":"warn","store_failures":true},)"
      R"({"name":"own","type":"sql","sql":"SELECT id, [id] AS l FROM this WHERE id = 2","severity":"warn","store_failures":true},)"
      R"({"name":"none","type":"not_null","columns":["id"],"store_failures":true})")});
  ask("rows");
  result("rows");
  const auto directory = directory_ / "session/artifacts/rows/checks";
  EXPECT_EQ(*read_file(directory / "1-___a_b.csv"), "id,w\n1,\"\"\n1,\n");
  EXPECT_EQ(*read_file(directory / "2-own.csv"), "id,l\n2,[2]\n");
  EXPECT_FALSE(std::filesystem::exists(directory / "3-none.csv"));
  std::vector<std::string> stored;
  for (const Json& event : sink_.events())
    if (event["artifact_type"].as_string() == "check_failures") stored.push_back(event["path"].as_string());
  EXPECT_THAT(stored, ElementsAre("artifacts/rows/checks/1-___a_b.csv", "artifacts/rows/checks/2-own.csv"));
}

TEST_F(ChecksTest, OneThatCannotStoreIsNoPass) {
  plan({sql("rows", "SELECT NULL AS id",
            R"({"name":"x","type":"not_null","columns":["id"],"severity":"warn","store_failures":true})")});
  std::filesystem::create_directories(directory_ / "session/artifacts/rows");
  ASSERT_TRUE(write_file_atomically(directory_ / "session/artifacts/rows/checks", "in the way").ok());
  ask("rows");
  EXPECT_THAT(error("rows").message, HasSubstr("it cannot be run"));
}

TEST_F(ChecksTest, AStepWithoutRowsCannotPass) {
  Json made = step("rows", "talk");
  made.set("checks", parse(R"([{"name":"x","type":"row_count","min":0}])"));
  plan({made});
  ask("rows");
  EXPECT_THAT(error("rows").message, HasSubstr("made no rows"));
}

TEST_F(ChecksTest, FailuresAreNotTriedAgain) {
  Json made = sql("rows", "SELECT NULL AS id", R"({"name":"x","type":"not_null","columns":["id"]})");
  made.set("retry", parse(R"({"max_attempts":3,"delay_s":0})"));
  plan({made});
  ask("rows");
  EXPECT_THAT(error("rows").message, HasSubstr("its check failed"));
  EXPECT_THAT(sink_.event_names("rows"), Not(Contains("step_retry")));
}

TEST_F(ChecksTest, TheTimeoutEndsThem) {
  Json made = sql(
      "rows", "SELECT 1 AS id",
      R"({"name":"x","type":"sql","sql":"SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range * b.range = -1"})");
  made.set("timeout_s", 0.2);
  plan({made});
  ask("rows");
  EXPECT_EQ(error("rows").code, Code::kDeadline);
}

}  // namespace
}  // namespace osiris::worker
