// docs/types.md, "From MySQL and MariaDB": each row has values here, which are read and written to another table.
#include "protocol/base/text.h"
#include "tests/drivers/mysql.writer/writing.h"
#include "tests/drivers/types/table.h"
#include "worker/drivers/mysql.extractor/driver.h"

namespace osiris::worker::test {
namespace {

// By MySQL's type as the page has it: the column's own, and values, '|' between them.
struct Source {
  std::string type, values;
};
const std::map<std::string, Source>& sources() {
  static const std::map<std::string, Source> all = {
      {"TINYINT", {"TINYINT", "-128|127"}},
      {"SMALLINT", {"SMALLINT", "-32768|32767"}},
      {"MEDIUMINT", {"MEDIUMINT", "-8388608"}},
      {"INT", {"INT", "-2147483648|2147483647"}},
      {"BIGINT", {"BIGINT", "-9223372036854775808"}},
      {"TINYINT UNSIGNED", {"TINYINT UNSIGNED", "255"}},
      {"SMALLINT UNSIGNED", {"SMALLINT UNSIGNED", "65535"}},
      {"MEDIUMINT UNSIGNED", {"MEDIUMINT UNSIGNED", "16777215"}},
      {"INT UNSIGNED", {"INT UNSIGNED", "4294967295"}},
      {"BIGINT UNSIGNED", {"BIGINT UNSIGNED", "18446744073709551615|0"}},
      {"DECIMAL(p,s)", {"DECIMAL(18,3)", "-0.001|999999999999999.999"}},
      {"FLOAT", {"FLOAT", "0.1|-3.4028234e38"}},
      {"DOUBLE", {"DOUBLE", "0.1|5e-324"}},
      {"DATE", {"DATE", "'0001-01-01'|'9999-12-31'"}},
      {"DATETIME(n)", {"DATETIME(6)", "'0001-01-01'|'9999-12-31 23:59:59.999999'"}},
      {"TIMESTAMP(n)", {"TIMESTAMP(6) NULL", "'2024-02-29 01:02:03.000004'"}},
      {"TIME(n)", {"TIME(6)", "'838:59:59'|'-00:00:00.000001'"}},
      {"YEAR", {"YEAR", "1901|2155"}},
      {"CHAR(n)", {"CHAR(9)", "'ab'|''"}},
      {"VARCHAR(n)", {"VARCHAR(50)", "'naïve 🦆'|'a\\\\b'|'line\\nbreak'"}},
      {"TEXT", {"TEXT", "''|' blanks '"}},
      {"ENUM", {"ENUM('x','it''s')", "'it''s'"}},
      {"SET", {"SET('p','q','r')", "'p,r'|''"}},
      {"JSON", {"JSON", "'{\"k\" : [1, null]}'"}},
      {"UUID", {"UUID", "'123e4567-e89b-12d3-a456-426655440000'"}},
      {"INET4", {"INET4", "'10.0.0.1'"}},
      {"INET6", {"INET6", "'2001:db8::ff00:42:8329'"}},
      {"BINARY(n)", {"BINARY(3)", "'a'"}},
      {"VARBINARY(n)", {"VARBINARY(9)", "x'00FF'"}},
      {"BLOB", {"BLOB", "x'005C27FF'|''"}},
      {"BIT(n)", {"BIT(12)", "b'100000000001'"}},
      {"POINT", {"POINT", "ST_GeomFromText('POINT(1 2)')"}},
  };
  return all;
}

void expect_read(const std::string& name, const std::string& says) {
  const auto& [type, values] = sources().at(name);
  SCOPED_TRACE(type);
  std::string list = "(0, NULL)";
  size_t number = 1;
  for (const std::string& value : split(values, '|')) list += ", (" + std::to_string(number++) + ", " + value + ")";
  in_database("CREATE OR REPLACE TABLE from_a (i INT, v " + type + "); INSERT INTO from_a VALUES " + list);
  MysqlStep step(loading_server(), "SELECT * FROM shop.from_a");
  const auto read = step.run(mysql_extractor());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(step.output_columns(), "i INTEGER, v " + (says == "DECIMAL" ? "DECIMAL(18,3)" : says));
  const std::string file = (step.work_dir() / "moved.duckdb").string();
  step.sql("ATTACH '" + file + "' AS moved");
  (void)step.query("CREATE TABLE moved.t AS SELECT * FROM {out}");
  step.sql("DETACH moved");
  // What has no writer of its own type goes on as the bytes that were read.
  const bool is_bytes = name == "BIT(n)" || name == "POINT";
  in_database("CREATE OR REPLACE TABLE from_b (i INT, v " + (is_bytes ? "VARBINARY(200)" : type) + ")");
  StepHarness back("push");
  back.set_connection("mysql", "shop", fields_for(loading_server()));
  back.sql("ATTACH '" + file + "' AS moved (READ_ONLY)");
  back.add_input("rows", "SELECT * FROM moved.t");
  back.set_config({{"table", "from_b"}, {"verify", "full"}});
  const auto written = back.run(mysql_writer());
  ASSERT_TRUE(written.ok()) << written.error().message;
  EXPECT_EQ(written->rows_written, number);
  const std::string original = name == "BIT(n)"  ? "UNHEX(LPAD(HEX(a.v), 4, '0'))"
                               : name == "POINT" ? "CAST(a.v AS BINARY)"
                                                 : "BINARY a.v";
  EXPECT_EQ(ask_database("SELECT COUNT(*), SUM(NOT (" + original +
                         " <=> BINARY b.v)) FROM shop.from_a a LEFT JOIN "
                         "shop.from_b b USING (i)"),
            std::to_string(number) + "|0\n")
      << ask_database("SELECT i, HEX(v) FROM shop.from_b");
}

TEST(TypesFromMysql, AreAsThePageSays) {
  std::map<std::string, Source> left = sources();
  for (const TypeRow& row : rows_of_types("From MySQL and MariaDB"))
    for (size_t i = 0; i < row.types.size(); ++i) {
      ASSERT_TRUE(sources().contains(row.types[i]))
          << "the page has " << row.types[i] << ", and there are no values of it here";
      expect_read(row.types[i], other_of(row, i));
      left.erase(row.types[i]);
    }
  EXPECT_TRUE(left.empty()) << left.begin()->first << " is in no row of the page";
}

}  // namespace
}  // namespace osiris::worker::test
