// Values bound in a step's SQL: never read as SQL, of the type they were given with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "worker/database/database.h"

namespace osiris::worker {
namespace {

using ::testing::HasSubstr;

class BoundValues : public ::testing::Test {
 protected:
  BoundValues() {
    char name[] = "/tmp/osiris-values-XXXXXX";
    directory_ = ::mkdtemp(name);
    database_ = std::make_shared<Database>(DatabaseOptions{0, 2, directory_ / "spill"});
  }
  ~BoundValues() override {
    database_.reset();
    std::filesystem::remove_all(directory_);
  }

  // The first row of the script's result, values separated by '|', or the error with its hint.
  std::string run(const std::string& sql, const Json& values) {
    StepDatabase step(database_, "step", {});
    const auto rows = step.run_confined(sql, values);
    if (!rows.ok()) return rows.error().message + " (" + rows.error().hint + ")";
    auto result = sql::run_query(step.handle(), "SELECT * FROM " + step.output_table().quoted());
    EXPECT_TRUE(result.ok());
    std::string text;
    if (result->rows() == 0) return "no rows";
    for (idx_t i = 0; i < duckdb_column_count(result->get()); ++i) text += (i > 0 ? "|" : "") + result->text(i);
    return text;
  }

  std::filesystem::path directory_;
  std::shared_ptr<Database> database_;
};

TEST_F(BoundValues, KeepTheTypesTheyHave) {
  const Json values = Json::object(
      {{"i", -5}, {"u", 18446744073709551615ull}, {"d", 0.25}, {"e", 1e300}, {"b", true}, {"t", "08"}, {"n", nullptr}});
  EXPECT_EQ(
      run("SELECT typeof($i), $i, typeof($u), $u, typeof($d), $d, typeof($e), typeof($b), $b, $t || '!', $n IS NULL",
          values),
      "BIGINT|-5|UBIGINT|18446744073709551615|DECIMAL(3,2)|0.25|DOUBLE|BOOLEAN|true|08!|true");
}

TEST_F(BoundValues, AreNeverReadAsSql) {
  for (const char* text : {"O'Brien", "'; DROP TABLE x; --", "1 OR 1=1", "$$", "\\", "\"", "x' UNION SELECT 'y"})
    EXPECT_EQ(run("SELECT $name AS name", Json::object({{"name", text}})), text);
}

TEST_F(BoundValues, OfTextMeetDatesAndNumbersAsALiteralDoes) {
  EXPECT_EQ(
      run("SELECT DATE '2025-02-01' >= $since, 5 = $five", Json::object({{"since", "2025-01-01"}, {"five", "5"}})),
      "true|true");
}

TEST_F(BoundValues, MayBeLists) {
  EXPECT_EQ(
      run("SELECT count(*) FROM range(10) t(i) WHERE i IN $ids", Json::object({{"ids", Json::array({1, 3, 99})}})),
      "2");
  EXPECT_EQ(run("SELECT list_contains($names, 'it''s')", Json::object({{"names", Json::array({"a", "it's"})}})),
            "true");
  EXPECT_THAT(run("SELECT $mixed", Json::object({{"mixed", Json::array({1, "a"})}})), HasSubstr("different types"));
}

TEST_F(BoundValues, WorkInEveryStatementOfAScript) {
  EXPECT_EQ(run("CREATE TABLE t AS SELECT $a AS a; INSERT INTO t VALUES ($b); UPDATE t SET a = $c WHERE a = $a;"
                "DELETE FROM t WHERE a = $b; SELECT a FROM t",
                Json::object({{"a", 1}, {"b", 2}, {"c", 3}})),
            "3");
  EXPECT_EQ(run("CREATE SEQUENCE s; SELECT nextval('s') + $a", Json::object({{"a", 1}})), "2");
  EXPECT_THAT(run("EXPLAIN SELECT $a", Json::object({{"a", 1}})), HasSubstr("physical_plan"));
}

TEST_F(BoundValues, LeaveDollarSignsAloneThatAreNoNames) {
  EXPECT_EQ(run("SELECT $$it's $a$$, $tag$ $a $tag$, '$a', \"$a\", $a FROM (SELECT 1 AS \"$a\")",
                Json::object({{"a", "bound"}})),
            "it's $a| $a |$a|1|bound");
}

TEST_F(BoundValues, ThatAreMissingOrUnusedAreErrors) {
  EXPECT_EQ(run("SELECT $sinc", Json::object({{"since", 1}})),
            "the SQL uses $sinc, and `values:` holds no 'sinc' (did you mean $since?)");
  EXPECT_THAT(run("SELECT $x", Json()), HasSubstr("`values:` holds no 'x'"));
  EXPECT_THAT(run("SELECT 1", Json::object({{"x", 1}})), HasSubstr("`values:` holds 'x', which the SQL does not use"));
  for (const char* sql : {"SELECT $1", "SELECT ?"})
    EXPECT_THAT(run(sql, Json()), HasSubstr("parameters without a name"));
}

TEST_F(BoundValues, OpenNoWayOutOfTheStep) {
  StepDatabase other(database_, "other", {});
  ASSERT_TRUE(other.run_confined("SELECT 42 AS answer").ok());
  const auto secret = other.take_output();
  for (const std::string& sql : {"INSERT INTO " + (*secret)->qualified_name() + " VALUES ($a)",
                                 "CREATE TABLE \"" + (*secret)->database() + "\".main.mine AS SELECT $a AS a",
                                 std::string("SELECT * FROM read_csv($a)"),
                                 "SELECT * FROM " + (*secret)->qualified_name() + " WHERE answer > $a"})
    EXPECT_THAT(run(sql, Json::object({{"a", "/etc/passwd"}})),
                ::testing::AnyOf(HasSubstr("refused"), HasSubstr("cannot"), HasSubstr("can only")))
        << sql;
}

TEST_F(BoundValues, DecideTheColumnsThatAreDescribed) {
  StepDatabase step(database_, "step", {});
  const Status described = step.describe_confined("SELECT $i AS i, $t AS t", Json::object({{"i", 1}, {"t", "x"}}));
  ASSERT_TRUE(described.ok()) << described.error().message;
  auto types = sql::run_query(
      step.handle(), "SELECT string_agg(column_type, ',') FROM (DESCRIBE " + step.output_table().quoted() + ")");
  ASSERT_TRUE(types.ok());
  EXPECT_EQ(types->text(), "BIGINT,VARCHAR");
}

TEST_F(BoundValues, CannotBeMappings) {
  EXPECT_THAT(run("SELECT $m", Json::object({{"m", Json::object({{"a", 1}})}})), HasSubstr("is a mapping"));
}

}  // namespace
}  // namespace osiris::worker
