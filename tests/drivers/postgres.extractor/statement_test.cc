// What the user's query may be, and that it is left as it is.
#include "worker/drivers/postgres.extractor/statement.h"
#include "tests/drivers/postgres/steps.h"
#include "worker/drivers/postgres.extractor/driver.h"

namespace osiris::worker::test {
namespace {

using postgres::one_statement;

std::string text_of(std::string_view query, const Json& values = {}) {
  const auto text = one_statement(query, values);
  return text.ok() ? *text : text.error().message;
}

TEST(PostgresStatement, ASemicolonAtItsEndIsLeftOut) {
  EXPECT_EQ(text_of("SELECT 1;"), "SELECT 1");
  EXPECT_EQ(text_of("SELECT 1; -- done\n /* really /* yes */ */ "), "SELECT 1");
  EXPECT_NE(text_of("SELECT 1; SELECT 2").find("more than one statement"), std::string::npos);
  EXPECT_NE(text_of("SELECT 1;;").find("more than one statement"), std::string::npos);
}

TEST(PostgresStatement, WhatIsQuotedIsLeftAlone) {
  const Json values = Json::object({{"a", 1}});
  for (const char* query : {"'$a;' || $a", "\"$a;\" || $a", "E'\\'$a;' || $a", "$$ $a; $$ || $a",
                            "$x$ $a; $$ $x$ || $a", "-- $a;\n$a", "/* $a; /* ; */ $b */ $a", "x$a || $a"}) {
    std::string expected = query;
    expected.replace(expected.size() - 2, 2, "(1)");
    EXPECT_EQ(text_of(query, values), expected);
  }
}

TEST(PostgresStatement, ParameterMarksAreRefused) {
  EXPECT_NE(text_of("SELECT $1").find("parameter mark ($1)"), std::string::npos);
}

class PostgresWrites : public testing::TestWithParam<const char*> {};

TEST_P(PostgresWrites, AreRefused) {
  in_shop("CREATE TABLE IF NOT EXISTS untouched (id int)");
  PostgresStep step(postgres_extractor());
  step.configure({{"query", GetParam()}});
  const Error error = step.error();
  EXPECT_EQ(error.category, "extract.query_failed") << error.message;
  EXPECT_EQ(ask_shop("SELECT count(*) FROM untouched"), "0\n");
  EXPECT_FALSE(step.has_output_table());
}

INSTANTIATE_TEST_SUITE_P(Statements, PostgresWrites,
                         testing::Values("INSERT INTO untouched VALUES (1) RETURNING id", "DROP TABLE untouched",
                                         "WITH w AS (INSERT INTO untouched VALUES (1) RETURNING id) SELECT * FROM w",
                                         "SELECT 1) TO STDOUT; INSERT INTO untouched VALUES (1); COPY (SELECT 1",
                                         "SELECT 1) TO STDOUT --", "COMMIT", "CALL nothing()", "SELECT nextval('s')",
                                         "SELECT id INTO other FROM untouched", "SELECT", "COPY untouched FROM STDIN",
                                         "SELECT * FROM untouched FOR UPDATE", "-- nothing"));

TEST(PostgresStatement, WithValuesAndTableAreRead) {
  for (const char* query : {"WITH a AS (SELECT 1 AS n) SELECT n FROM a", "VALUES (1)", "(SELECT 1 AS n)"}) {
    PostgresStep step(postgres_extractor());
    step.configure({{"query", query}});
    EXPECT_EQ(step.rows(), "1\n");
  }
}

TEST(PostgresStatement, ColumnsNeedNamesOfTheirOwn) {
  PostgresStep step(postgres_extractor());
  step.configure({{"query", "SELECT 1 AS id, 2 AS \"ID\""}});
  EXPECT_NE(step.error().message.find("two columns are called 'id'"), std::string::npos);
}

TEST(PostgresStatement, ATransactionSeesOneSnapshot) {
  PostgresStep step(postgres_extractor());
  step.configure({{"query",
                   "SELECT current_setting('transaction_isolation') AS a, "
                   "current_setting('transaction_read_only') AS b, current_setting('TimeZone') AS c"}});
  EXPECT_EQ(step.rows(), "repeatable read|on|UTC\n");
}

}  // namespace
}  // namespace osiris::worker::test
