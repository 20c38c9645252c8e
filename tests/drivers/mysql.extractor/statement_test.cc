// What a statement is, told without a server.
#include "worker/drivers/mysql.extractor/statement.h"

#include <gtest/gtest.h>

#include <string>

namespace osiris::worker::mysql {
namespace {

std::string refusal(const std::string& sql, bool backslash_escapes = true) {
  const Status status = check_reads_only(tokens_of(sql, backslash_escapes), false);
  return status.ok() ? "" : status.error().message;
}

std::string words_of(const std::string& sql, bool backslash_escapes = true) {
  std::string words;
  for (const Token& token : tokens_of(sql, backslash_escapes)) words += "[" + std::string(token.text) + "]";
  return words;
}

TEST(MysqlTokens, LeaveCommentsOut) {
  EXPECT_EQ(words_of("a -- b 'c\nd # e\nf /* ; 'g */ h"), "[a][d][f][h]");
  EXPECT_EQ(words_of("a--b"), "[a][-][-][b]");  // a minus of a minus
  EXPECT_EQ(words_of("a /*!50000 b */ c"), "[a][/*!][b][c]");
}

TEST(MysqlTokens, KeepQuotedTextsWhole) {
  EXPECT_EQ(words_of("'a;''b' `c``d` \"e\\\"f\" g"), "['a;']['b'][`c`][`d`][\"e\\\"f\"][g]")
      << "doubled quotes are two texts side by side";
  EXPECT_EQ(words_of("'a\\' b"), "['a\\' b]");
  EXPECT_EQ(words_of("'a\\' b", false), "['a\\'][b]");
  EXPECT_EQ(words_of("'a"), "['a]");
}

TEST(MysqlReading, TakesTheReadingStatements) {
  for (const char* sql : {"select 1", "SELECT 1;", "SELECT 1; -- done", "/* why */ SELECT 1", "-- why\nSELECT 1",
                          "(SELECT 1) UNION (SELECT 2)", "WITH a AS (SELECT 1) SELECT * FROM a", "TABLE t",
                          "VALUES (1)", "SHOW TABLES", "DESC t", "describe t", "EXPLAIN SELECT 1",
                          "SELECT 'INSERT INTO t'", "SELECT `into` FROM t", "SELECT t.into FROM t", "SELECT ';' AS a"})
    EXPECT_EQ(refusal(sql), "") << sql;
}

TEST(MysqlReading, RefusesEveryOther) {
  for (const char* sql : {"INSERT INTO t VALUES (1) RETURNING a", "SET GLOBAL max_connections = 1",
                          "SET STATEMENT max_statement_time = 1 FOR INSERT INTO t VALUES (1) RETURNING a",
                          "BEGIN NOT ATOMIC SELECT 1; END", "CALL p()", "/*!50000 INSERT */ INTO t VALUES (1)",
                          "/*! SELECT */ 1", "HANDLER t OPEN", "DO 1", "SELECT 1 INTO OUTFILE '/tmp/a'",
                          "SELECT 1 /*! INTO OUTFILE '/tmp/a' */", "SELECT 1 INTO @a", "SELECT 1; SELECT 2",
                          "CHECK TABLE t", "EXECUTE IMMEDIATE 'SELECT 1'", "", "-- nothing", "((("})
    EXPECT_NE(refusal(sql), "") << sql;
}

TEST(MysqlReading, TellsWhereATextEndsAsTheServerDoes) {
  EXPECT_EQ(refusal("SELECT 'a\\' INTO @a -- '"), "");
  EXPECT_NE(refusal("SELECT 'a\\' INTO @a -- '", false), "");
}

TEST(MysqlFilters, AreTheOnlyPlaceOfConversionsWhereColumnsArePlain) {
  const auto filters_only = [](const char* sql) { return converts_in_filters_only(tokens_of(sql, true)); };
  for (const char* sql :
       {"SELECT * FROM t WHERE a = 0", "SELECT a, t.b AS c, 5, 'x' FROM t WHERE a + 0 = 0",
        "SELECT COUNT(*), MAX(a) FROM t WHERE a = 0", "SELECT DISTINCT t.* FROM t JOIN u ON t.a = u.b",
        "SELECT a FROM (SELECT * FROM t WHERE a = 0) x", "SELECT a FROM t HAVING a = 0",
        "SELECT a FROM t WHERE a = 0 UNION SELECT b FROM u"})
    EXPECT_TRUE(filters_only(sql)) << sql;
  for (const char* sql :
       {"SELECT a + 0 FROM t WHERE a = 0", "SELECT CAST(a AS SIGNED) FROM t WHERE b = 0", "SELECT a FROM t",
        "SELECT SUM(a) FROM t WHERE b = 0", "SELECT a = 0 FROM t WHERE b = 0",
        "SELECT x FROM (SELECT a + 0 AS x FROM t) y WHERE x = 0", "SELECT CASE a WHEN 0 THEN 1 END FROM t WHERE b = 0",
        "SELECT a * b FROM t WHERE c = 0", "SELECT a FROM t WHERE a = 0 UNION SELECT b + 0 FROM u",
        "SELECT (SELECT a + 0) FROM t WHERE b"})
    EXPECT_FALSE(filters_only(sql)) << sql;
}

}  // namespace
}  // namespace osiris::worker::mysql
