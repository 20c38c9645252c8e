// Parts of a table: where MariaDB says that they begin, whatever the column's type and collation.
#include <gmock/gmock.h>

#include "tests/drivers/mysql.extractor/servers.h"
#include "tests/drivers/parts.h"
#include "worker/drivers/mysql.extractor/driver.h"

namespace osiris::worker::test {
namespace {

using ::testing::HasSubstr;

void on_shop(const std::string& sql) {
  const Status done = plain_server().execute("USE shop; " + sql);
  ASSERT_TRUE(done.ok()) << done.error().message;
}

struct KeyCase {
  const char* type;
  const char* values;
};

class MysqlSplit : public testing::Test {
 protected:
  static std::vector<size_t> counts(const std::string& table, uint64_t parts) {
    MysqlStep step;
    step.configure({{"table", table}});
    return Parts(step, mysql_extractor(), split_of("k", parts)).expect_whole();
  }
  static std::string error(std::initializer_list<Json::Member> config, const std::string& column) {
    MysqlStep step;
    step.configure(config);
    const auto settled = Parts(step, mysql_extractor(), split_of(column, 2)).settle();
    return settled.ok() ? std::string() : settled.error().message;
  }
};

TEST_F(MysqlSplit, EveryKeyIsInOnePartInTheServersOwnOrder) {
  const KeyCase cases[] = {
      {"INT", "(1),(2),(3),(1000000),(2147483647),(-5),(-5),(NULL)"},
      {"BIGINT UNSIGNED", "(0),(18446744073709551615),(9223372036854775808),(1),(NULL)"},
      {"DECIMAL(20,3)", "(1.5),(-0.001),(12345678901234567.123),(NULL),(0)"},
      {"DOUBLE", "(1e300),(-1e-300),(0),(0.1),(NULL)"},
      {"FLOAT", "(0.1),(0.2),(1e30),(16777217),(NULL)"},
      {"VARCHAR(20) COLLATE utf8mb4_general_ci", "('a'),('A'),('b'),('B'),('it''s'),(''),('ä'),('a '),(NULL)"},
      {"VARCHAR(20) COLLATE utf8mb4_bin", "('a'),('A'),('b'),('B'),('😀'),(''),(NULL)"},
      {"VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci", "('a'),('z'),('ö'),('Z'),('å'),(NULL)"},
      {"TEXT", "('a\\\\b'),('x'),(REPEAT('long', 500)),(NULL)"},
      {"VARBINARY(20)", "(X'00'),(X'FF'),(X''),(X'00FF'),(NULL)"},
      {"ENUM('small','medium','large')", "('large'),('small'),('medium'),('small'),(NULL)"},
      {"DATE", "('2025-01-31'),('1000-01-01'),('9999-12-31'),(NULL)"},
      {"DATETIME(6)", "('2025-01-31 12:00:00.000001'),('2025-01-31 12:00:00'),(NULL),('9999-12-31 23:59:59.999999')"},
      {"TIMESTAMP(3) NULL", "('2025-01-31 12:00:00.001'),('2037-01-19 03:14:07'),(NULL)"},
      {"TIME", "('00:00:01'),('12:00:00'),('23:59:59'),(NULL)"},
      {"YEAR", "(1999),(2025),(NULL)"},
  };
  for (const KeyCase& each : cases) {
    on_shop("DROP TABLE IF EXISTS keyed; CREATE TABLE keyed (k " + std::string(each.type) +
            ") CHARACTER SET utf8mb4; INSERT INTO keyed VALUES " + each.values);
    for (const uint64_t parts : {1, 3, 16}) {
      SCOPED_TRACE(each.type + std::string(" in ") + std::to_string(parts));
      counts("keyed", parts);
    }
  }
}

TEST_F(MysqlSplit, EnumsArePartedByTheOrderOfTheirLabels) {
  on_shop(
      "DROP TABLE IF EXISTS sized; CREATE TABLE sized (k ENUM('small','medium','large'));"
      "INSERT INTO sized VALUES ('large'),('small'),('medium'),('small'),(NULL)");
  EXPECT_EQ(counts("sized", 3), (std::vector<size_t>{2, 2, 0, 1})) << "not by their letters";
}

TEST_F(MysqlSplit, GapsAndSkewLeaveThePartsAlike) {
  on_shop(
      "DROP TABLE IF EXISTS skewed; CREATE TABLE skewed AS SELECT seq * seq * seq AS k FROM seq_1_to_1600;"
      "INSERT INTO skewed VALUES (4611686018427387904)");
  const std::vector<size_t> even = counts("skewed", 16);
  for (size_t i = 0; i < 16; ++i) EXPECT_LE(even[i], 102u);
  EXPECT_EQ(even[16], 0u);
}

TEST_F(MysqlSplit, RowsBeyondTheBoundsAreReadToo) {
  on_shop("DROP TABLE IF EXISTS live; CREATE TABLE live AS SELECT CAST(seq AS SIGNED) AS k FROM seq_1_to_100");
  MysqlStep step;
  step.configure(
      {{"query", "SELECT * FROM live WHERE k > $least; -- ends here"}, {"values", Json::object({{"least", -100}})}});
  Parts parts(step, mysql_extractor(), split_of("k", 4));
  ASSERT_TRUE(parts.settle().ok());
  on_shop("INSERT INTO live VALUES (-7), (1000)");
  const auto all = parts.read_all();
  EXPECT_THAT(all[0], testing::Contains("-7"));
  EXPECT_THAT(all[3], testing::Contains("1000"));
}

TEST_F(MysqlSplit, WhatHasNoBoundsIsNamed) {
  on_shop(
      "DROP TABLE IF EXISTS odd; CREATE TABLE odd (k INT, z DATE, g POINT); INSERT INTO odd VALUES (1, '0000-00-00', "
      "POINT(1,1)), (2, '0000-00-00', POINT(1,1))");
  EXPECT_THAT(error({{"query", "SELECT k, z FROM odd"}}, "kk"),
              HasSubstr("names column 'kk', which is none of the result"));
  EXPECT_THAT(error({{"query", "SELECT k, z FROM odd"}}, "z"),
              HasSubstr("'0000-00-00', and that is none of the calendar"));
  EXPECT_THAT(error({{"query", "CALL nothing()"}, {"allow", Json::array({"call"})}}, "k"),
              HasSubstr("cannot be split"));
}

}  // namespace
}  // namespace osiris::worker::test
