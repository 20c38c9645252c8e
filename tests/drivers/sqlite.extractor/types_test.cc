// SQLite types values; what a column's declaration and its values make of that.
#include "tests/drivers/sqlite.extractor/database.h"

namespace osiris::worker::test {
namespace {

TEST(SqliteTypes, DeclarationsDecide) {
  StepHarness step;
  sqlite(step,
         "CREATE TABLE t (a INTEGER PRIMARY KEY, b VARCHAR(10), c DOUBLE PRECISION, d BLOB, e BOOLEAN, f UNSIGNED BIG "
         "INT, g CLOB);"
         "INSERT INTO t VALUES (-9223372036854775808, 'x', 0.1, x'00ff', 1, 9223372036854775807, '');"
         "INSERT INTO t VALUES (5, NULL, NULL, NULL, NULL, NULL, NULL)");
  const Extracted got = table(step, "t");
  EXPECT_EQ(got.columns, "a BIGINT, b VARCHAR, c DOUBLE, d BLOB, e BOOLEAN, f BIGINT, g VARCHAR") << got.error;
  EXPECT_EQ(got.rows,
            "-9223372036854775808|x|0.1|\\x00\\xFF|true|9223372036854775807|\n5|NULL|NULL|NULL|NULL|NULL|NULL\n");
}

TEST(SqliteTypes, AValueThatDoesNotFitIsNamedWithRowAndColumn) {
  const std::pair<const char*, const char*> rows[] = {{"a INTEGER", "'abc'"}, {"a INTEGER", "1.5"}, {"a TEXT", "x'41'"},
                                                      {"a BLOB", "'text'"},   {"a REAL", "'x'"},    {"a BOOLEAN", "2"},
                                                      {"a BOOLEAN", "'t'"}};
  for (const auto& [declaration, value] : rows) {
    StepHarness step;
    sqlite(step, std::string("CREATE TABLE t (") + declaration + "); INSERT INTO t VALUES (NULL), (" + value + ")");
    const Extracted got = table(step, "t");
    EXPECT_EQ(got.error.find("row 2, column 'a': "), 0u) << declaration << " " << value << ": " << got.error;
    EXPECT_NE(got.error.find("which its declaration"), std::string::npos) << got.error;
    EXPECT_NE(got.hint.find("CAST(\"a\" AS TEXT)"), std::string::npos);
    EXPECT_EQ(got.category, "extract.schema_mismatch");
  }
}

TEST(SqliteTypes, WithoutADeclarationAllValuesDecide) {
  StepHarness step;
  sqlite(step,
         "CREATE TABLE t (n, d DATE, m DECIMAL(10,2), z);"
         "INSERT INTO t VALUES (1, '2025-01-01', 5, NULL), (NULL, '2025-01-02', 2.5, NULL)");
  const Extracted got = table(step, "t");
  EXPECT_EQ(got.columns, "n BIGINT, d VARCHAR, m DOUBLE, z VARCHAR") << got.error;
  EXPECT_EQ(got.rows, "1|2025-01-01|5.0|NULL\nNULL|2025-01-02|2.5|NULL\n");
}

TEST(SqliteTypes, ValuesOfDifferentKindsAreNamed) {
  StepHarness step;
  sqlite(step, "CREATE TABLE t (x); INSERT INTO t VALUES (1), ('two')");
  EXPECT_EQ(table(step, "t").error, "row 2, column 'x': text 'two' is no BIGINT, which the rows before have");
  EXPECT_EQ(query(step, "SELECT CAST(x AS TEXT) AS x FROM t").rows, "1\ntwo\n");
}

TEST(SqliteTypes, AWholeNumberIsNeverRoundedToADouble) {
  StepHarness step;
  sqlite(step, "CREATE TABLE t (x NUMERIC); INSERT INTO t VALUES (9007199254740993), (0.5)");
  EXPECT_NE(table(step, "t").error.find("row 1, column 'x': integer 9007199254740993 would be rounded to DOUBLE"),
            std::string::npos);
}

TEST(SqliteTypes, TextThatIsNotUtf8IsNamed) {
  StepHarness step;
  sqlite(step, "CREATE TABLE t (x TEXT); INSERT INTO t VALUES (CAST(x'ff41' AS TEXT))");
  EXPECT_NE(table(step, "t").error.find("is not UTF-8 and therefore no VARCHAR"), std::string::npos);
}

TEST(SqliteTypes, TextKeepsItsNulsAndItsCharacters) {
  StepHarness step;
  sqlite(step,
         "PRAGMA encoding = 'UTF-16'; CREATE TABLE t (x TEXT); INSERT INTO t VALUES (char(128512)), ('a' || char(0) "
         "|| 'b')");
  EXPECT_EQ(query(step, "SELECT * FROM t").error, "");
  EXPECT_EQ(step.query("SELECT unicode(x), length(x) FROM {out}"), "128512|1\n97|3\n");
}

TEST(SqliteTypes, TwoColumnsOfOneNameGetNumbers) {
  StepHarness step;
  sqlite(step, "CREATE TABLE t (x INT); INSERT INTO t VALUES (1)");
  EXPECT_EQ(query(step, "SELECT x, x AS X, x + 1 FROM t").columns, "x BIGINT, X_1 BIGINT, x + 1 BIGINT");
}

}  // namespace
}  // namespace osiris::worker::test
