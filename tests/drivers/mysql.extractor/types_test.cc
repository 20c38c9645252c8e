// Every MySQL type, with NULL and its extremes: what arrives is what the server holds, or an error that names the
// column.
#include "tests/drivers/mysql.extractor/servers.h"
#include "worker/drivers/mysql.extractor/driver.h"

namespace osiris::worker::test {
namespace {

void on_server(const std::string& sql) {
  const Status status = plain_server().execute("USE shop; SET sql_mode='ALLOW_INVALID_DATES'; " + sql);
  ASSERT_TRUE(status.ok()) << status.error().message;
}

// Makes table t, reads it whole: "name TYPE, ...\n" and the rows.
std::string read_table(const std::string& columns, const std::string& values) {
  on_server("CREATE OR REPLACE TABLE t (" + columns + "); INSERT INTO t VALUES " + values);
  MysqlStep step("SELECT * FROM t");
  const auto outcome = step.run(mysql_extractor());
  if (!outcome.ok()) return outcome.error().message;
  return step.output_columns() + "\n" + step.query("SELECT * FROM {out}");
}

TEST(MysqlTypes, SignedIntegersKeepTheirWidthAndNulls) {
  EXPECT_EQ(read_table("a TINYINT, b SMALLINT, c MEDIUMINT, d INT, e BIGINT",
                       "(-128,-32768,-8388608,-2147483648,-9223372036854775808),"
                       "(127,32767,8388607,2147483647,9223372036854775807),(NULL,NULL,NULL,NULL,NULL)"),
            "a TINYINT, b SMALLINT, c INTEGER, d INTEGER, e BIGINT\n"
            "-128|-32768|-8388608|-2147483648|-9223372036854775808\n"
            "127|32767|8388607|2147483647|9223372036854775807\n"
            "NULL|NULL|NULL|NULL|NULL\n");
}

TEST(MysqlTypes, UnsignedIntegersReachTheirFullRange) {
  EXPECT_EQ(
      read_table("a TINYINT UNSIGNED, b SMALLINT UNSIGNED, c MEDIUMINT UNSIGNED, d INT UNSIGNED, e BIGINT UNSIGNED",
                 "(255,65535,16777215,4294967295,18446744073709551615),(0,0,0,0,0),(NULL,NULL,NULL,NULL,NULL)"),
      "a UTINYINT, b USMALLINT, c UINTEGER, d UINTEGER, e UBIGINT\n"
      "255|65535|16777215|4294967295|18446744073709551615\n"
      "0|0|0|0|0\n"
      "NULL|NULL|NULL|NULL|NULL\n");
}

TEST(MysqlTypes, TinyintOneStaysAnInteger) {
  EXPECT_EQ(read_table("a TINYINT(1), b BOOLEAN", "(1,TRUE),(7,FALSE),(NULL,NULL)"),
            "a TINYINT, b TINYINT\n1|1\n7|0\nNULL|NULL\n");
}

TEST(MysqlTypes, DecimalsAreExactInEveryWidth) {
  EXPECT_EQ(
      read_table(
          "a DECIMAL(4,2), b DECIMAL(9,0), c DECIMAL(18,6), d DECIMAL(38,10), e DECIMAL(38,0) UNSIGNED, f DECIMAL(3,3)",
          "(-99.99,-999999999,-999999999999.999999,-9999999999999999999999999999.9999999999,0,-0.999),"
          "(0.01,1,0.000001,0.0000000001,99999999999999999999999999999999999999,0.001),"
          "(NULL,NULL,NULL,NULL,NULL,NULL)"),
      "a DECIMAL(4,2), b DECIMAL(9,0), c DECIMAL(18,6), d DECIMAL(38,10), e DECIMAL(38,0), f DECIMAL(4,3)\n"
      "-99.99|-999999999|-999999999999.999999|-9999999999999999999999999999.9999999999|0|-0.999\n"
      "0.01|1|0.000001|0.0000000001|99999999999999999999999999999999999999|0.001\n"
      "NULL|NULL|NULL|NULL|NULL|NULL\n");
}

TEST(MysqlTypes, ADecimalWiderThan38DigitsIsReadWhileItsValuesFit) {
  EXPECT_EQ(read_table("a DECIMAL(65,4)", "(-1234567890123456789012345678901234.5678),(0),(NULL)"),
            "a DECIMAL(38,4)\n-1234567890123456789012345678901234.5678\n0.0000\nNULL\n");
}

TEST(MysqlTypes, ADecimalValueOfMoreThan38DigitsIsAnErrorNamingTheColumn) {
  const std::string text = read_table("ok INT, total DECIMAL(65,4)", "(1, 12345678901234567890123456789012345.6789)");
  EXPECT_NE(text.find("column 'total', row 1"), std::string::npos) << text;
  EXPECT_NE(text.find("12345678901234567890123456789012345.6789"), std::string::npos) << text;
}

TEST(MysqlTypes, TheSumOfABigintColumnIsReadThoughItsTypeIsWiderThan38Digits) {
  on_server(
      "CREATE OR REPLACE TABLE t (a BIGINT UNSIGNED); INSERT INTO t VALUES "
      "(18446744073709551615),(18446744073709551615)");
  EXPECT_EQ(MysqlStep("SELECT SUM(a) AS total FROM t").rows(), "36893488147419103230\n");
}

TEST(MysqlTypes, FloatsAndDoublesArriveBitForBit) {
  EXPECT_EQ(
      read_table("a FLOAT, b DOUBLE", "(0.1,0.1),(-3.4028234e38,-1.7976931348623157e308),(1e-45,5e-324),(NULL,NULL)"),
      "a FLOAT, b DOUBLE\n0.1|0.1\n-3.4028235e+38|-1.7976931348623157e+308\n1e-45|5e-324\nNULL|NULL\n");
}

TEST(MysqlTypes, DatesOfTheWholeRange) {
  EXPECT_EQ(read_table("a DATE", "('0001-01-01'),('1582-10-10'),('1969-12-31'),('2024-02-29'),('9999-12-31'),(NULL)"),
            "a DATE\n0001-01-01\n1582-10-10\n1969-12-31\n2024-02-29\n9999-12-31\nNULL\n");
}

TEST(MysqlTypes, DatetimesKeepMicroseconds) {
  EXPECT_EQ(read_table("a DATETIME, b DATETIME(3), c DATETIME(6)",
                       "('1000-01-01','1969-12-31 23:59:59.999','9999-12-31 23:59:59.999999'),"
                       "('2024-02-29 12:00:01','2024-02-29','2024-02-29 00:00:00.000001'),(NULL,NULL,NULL)"),
            "a TIMESTAMP, b TIMESTAMP, c TIMESTAMP\n"
            "1000-01-01 00:00:00|1969-12-31 23:59:59.999|9999-12-31 23:59:59.999999\n"
            "2024-02-29 12:00:01|2024-02-29 00:00:00|2024-02-29 00:00:00.000001\nNULL|NULL|NULL\n");
}

TEST(MysqlTypes, TimestampsArriveInUtcWhateverTheServersZone) {
  on_server(
      "SET time_zone='+05:30'; CREATE OR REPLACE TABLE t (a TIMESTAMP(6) NULL);"
      "INSERT INTO t VALUES ('2024-07-01 05:30:00.25'),(NULL); SET GLOBAL time_zone='-08:00'");
  EXPECT_EQ(MysqlStep("SELECT * FROM t").rows(), "2024-07-01 00:00:00.25\nNULL\n");
}

TEST(MysqlTypes, AZeroDateIsAnErrorNamingColumnAndRow) {
  for (const std::string type : {"DATE", "DATETIME", "TIMESTAMP"}) {
    const std::string text = read_table("id INT, born " + type + " NULL", "(1,'2024-01-01'),(2,'0000-00-00')");
    EXPECT_NE(text.find("column 'born', row 2"), std::string::npos) << type << ": " << text;
  }
}

TEST(MysqlTypes, PartsOfADateThatAreZeroAndDaysThatDoNotExistAreErrorsToo) {
  for (const std::string day : {"2024-00-10", "2024-05-00", "2023-02-31"}) {
    EXPECT_NE(read_table("born DATE", "('" + day + "')").find("column 'born', row 1"), std::string::npos) << day;
    EXPECT_NE(read_table("born DATETIME", "('" + day + " 10:00:00')").find("column 'born', row 1"), std::string::npos)
        << day;
  }
}

TEST(MysqlTypes, TheHintForZeroDatesWorks) {
  on_server("CREATE OR REPLACE TABLE t (born DATE, seen DATETIME); INSERT INTO t VALUES ('0000-00-00','0000-00-00')");
  EXPECT_EQ(MysqlStep("SELECT NULLIF(born, 0) AS a, NULLIF(seen, 0) AS b, CAST(born AS CHAR) AS c FROM t").rows(),
            "NULL|NULL|0000-00-00\n");
}

TEST(MysqlTypes, TimesBeyondADayAndBelowZeroAreExactIntervals) {
  EXPECT_EQ(
      read_table(
          "a TIME, b TIME(6)",
          "('838:59:59','-838:59:58.999999'),('24:00:00','00:00:00'),('-00:00:01','00:00:00.000001'),(NULL,NULL)"),
      "a INTERVAL, b INTERVAL\n838:59:59|-838:59:58.999999\n24:00:00|00:00:00\n-00:00:01|00:00:00.000001\nNULL|NULL\n");
}

TEST(MysqlTypes, Years) {
  EXPECT_EQ(read_table("a YEAR", "(1901),(2155),(0),(NULL)"), "a SMALLINT\n1901\n2155\n0\nNULL\n");
}

TEST(MysqlTypes, BitsAreTheirBytes) {
  EXPECT_EQ(read_table("a BIT(1), b BIT(12), c BIT(64)", "(b'1',b'100000000001',0xFFFFFFFFFFFFFFFE),(NULL,NULL,NULL)"),
            "a BLOB, b BLOB, c BLOB\n\\x01|\\x08\\x01|\\xFF\\xFF\\xFF\\xFF\\xFF\\xFF\\xFF\\xFE\nNULL|NULL|NULL\n");
}

TEST(MysqlTypes, TextOfEveryKindInUtf8) {
  EXPECT_EQ(
      read_table(
          "a CHAR(10), b VARCHAR(50), c TINYTEXT, d TEXT, e LONGTEXT, f ENUM('x','y'), g SET('p','q','r'), h JSON",
          "('ab ','žluťoučký kůň 🐎','','line\\nbreak','ε','y','p,r','{\"k\": [1, null]}'),"
          "(NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL)"),
      "a VARCHAR, b VARCHAR, c VARCHAR, d VARCHAR, e VARCHAR, f VARCHAR, g VARCHAR, h VARCHAR\n"
      "ab|žluťoučký kůň 🐎||line\nbreak|ε|y|p,r|{\"k\": [1, null]}\nNULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL\n");
}

TEST(MysqlTypes, TextStoredInAnotherCharacterSetArrivesAsUtf8) {
  EXPECT_EQ(
      read_table(
          "a VARCHAR(20) CHARACTER SET latin1, b VARCHAR(20) CHARACTER SET utf16, c VARCHAR(20) CHARACTER SET cp1250",
          "('Grüße €','日本','Ťuhýk')"),
      "a VARCHAR, b VARCHAR, c VARCHAR\nGrüße €|日本|Ťuhýk\n");
}

TEST(MysqlTypes, TextAroundDuckdbsInlineLengthOfTwelve) {
  EXPECT_EQ(read_table("a VARCHAR(20)", "('12345678901'),('123456789012'),('1234567890123')"),
            "a VARCHAR\n12345678901\n123456789012\n1234567890123\n");
}

TEST(MysqlTypes, BinaryColumnsAreBlobs) {
  EXPECT_EQ(read_table("a BINARY(3), b VARBINARY(9), c TINYBLOB, d BLOB, e LONGBLOB",
                       "('a','\\0\\x01','','\\\\',UNHEX('FF00FE')),(NULL,NULL,NULL,NULL,NULL)"),
            "a BLOB, b BLOB, c BLOB, d BLOB, e "
            "BLOB\na\\x00\\x00|\\x00x01||\\x5C|\\xFF\\x00\\xFE\nNULL|NULL|NULL|NULL|NULL\n");
}

TEST(MysqlTypes, LargeBlobsArriveWhole) {
  on_server("SET GLOBAL max_allowed_packet=268435456");
  MysqlStep step("SELECT REPEAT('0123456789', 4000000) AS a, SHA2(REPEAT('0123456789', 4000000), 256) AS hash");
  ASSERT_TRUE(step.run(mysql_extractor()).ok());
  EXPECT_EQ(step.query("SELECT length(a), sha256(a) = hash FROM {out}"), "40000000|true\n");
}

TEST(MysqlTypes, GeometryIsABlobInTheServersForm) {
  EXPECT_EQ(read_table("a POINT, b GEOMETRY", "(ST_GeomFromText('POINT(1 2)'),NULL)"),
            "a BLOB, b "
            "BLOB\n\\x00\\x00\\x00\\x00\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\xF0?"
            "\\x00\\x00\\x00\\x00\\x00\\x00\\x00@|NULL\n");
}

TEST(MysqlTypes, MariadbsOwnTypesAreText) {
  EXPECT_EQ(read_table("a UUID, b INET6, c INET4",
                       "('123e4567-e89b-12d3-a456-426655440000','2001:db8::ff00:42:8329','10.0.0.1')"),
            "a VARCHAR, b VARCHAR, c VARCHAR\n123e4567-e89b-12d3-a456-426655440000|2001:db8::ff00:42:8329|10.0.0.1\n");
}

TEST(MysqlTypes, NullLiteralsAndExpressions) {
  MysqlStep step(
      "SELECT NULL AS a, 1 + 1 AS b, 'x' AS c, 1.50 AS d, 2e0 AS e, DATE '2024-01-02' AS f, CAST(-1 AS SIGNED) AS g");
  EXPECT_EQ(step.rows(), "NULL|2|x|1.50|2.0|2024-01-02|-1\n");
  EXPECT_EQ(step.output_columns(), "a VARCHAR, b INTEGER, c VARCHAR, d DECIMAL(3,2), e DOUBLE, f DATE, g INTEGER");
}

TEST(MysqlTypes, ManyColumnsWithNullsAcrossBytesOfTheNullMap) {
  std::string select = "SELECT ", expected;
  for (int i = 0; i < 300; ++i) {
    const bool is_null = i % 3 == 1;
    select +=
        (i > 0 ? ", " : "") + std::string(is_null ? "IF(1, NULL, 1)" : std::to_string(i)) + " AS c" + std::to_string(i);
    expected += (i > 0 ? "|" : "") + std::string(is_null ? "NULL" : std::to_string(i));
  }
  EXPECT_EQ(MysqlStep(select).rows(), expected + "\n");
}

}  // namespace
}  // namespace osiris::worker::test
