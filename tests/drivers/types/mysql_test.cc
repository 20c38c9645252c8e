// docs/types.md, "To MySQL and MariaDB": each row has values here, which go there and come back.
#include <map>

#include "protocol/base/text.h"
#include "tests/drivers/mysql.writer/writing.h"
#include "tests/drivers/types/table.h"
#include "tests/drivers/types/values.h"
#include "worker/drivers/mysql.extractor/driver.h"

namespace osiris::worker::test {
namespace {

// DuckDB's values of a type, '|' between them.
const std::map<std::string, std::string>& samples() {
  static const std::map<std::string, std::string> all = {
      {"BOOLEAN", "true|false"},
      {"TINYINT", "-128|127"},
      {"UTINYINT", "0|255"},
      {"SMALLINT", "-32768|32767"},
      {"USMALLINT", "65535"},
      {"INTEGER", "-2147483648|2147483647"},
      {"UINTEGER", "4294967295"},
      {"BIGINT", "-9223372036854775808|9223372036854775807"},
      {"UBIGINT", "0|18446744073709551615"},
      {"HUGEINT", "-170141183460469231731687303715884105728|10000"},
      {"UHUGEINT", "340282366920938463463374607431768211455"},
      {"DECIMAL(18,3)", "-0.001|10000|999999999999999.999"},
      {"FLOAT", "1.1|16777215|'-1e-30'"},
      {"DOUBLE", "0.1|5e-324|1.7976931348623157e308"},
      {"VARCHAR", "''|'naïve 🦆'|'a''b\\c'|'line\n'"},
      {"ENUM", "'b'"},
      {"JSON", "'{\"b\" : [1, null]}'|'null'"},
      {"UUID", "'00000000-0000-0000-0000-000000000000'|'ffffffff-0000-0000-0000-00000000000a'"},
      {"BLOB", "''|'\\x00\\xFF'"},
      {"DATE", "'0001-01-01'|'9999-12-31'"},
      {"TIMESTAMP", "'0001-01-01'|'9999-12-31 23:59:59.999999'"},
      {"TIMESTAMP_S", "'2024-02-29 01:02:03'"},
      {"TIMESTAMP_MS", "'2024-02-29 01:02:03.004'"},
      {"TIMESTAMPTZ", "'1999-12-31 23:59:59.5+00'"},
      {"TIME", "'00:00:00'|'23:59:59.999999'"},
      {"INTERVAL", "'01:02:03.5'|'-00:00:01'"}};
  return all;
}

std::vector<std::string> types_of(const TypeRow& row) {
  std::vector<std::string> types = row.types;
  for (std::string& type : types)
    if (type == "DECIMAL(p,s)") type = "DECIMAL(18,3)";
  return types;
}

std::string column_type(const std::string& table) {
  return ask_database(
      "SELECT column_type FROM information_schema.columns WHERE table_schema = 'shop' AND table_name = '" + table +
      "' AND column_name = 'v'");
}

void expect_made(const TypeRow& row, const std::string& type, std::string made) {
  const std::string table = "to_" + std::to_string(std::hash<std::string>()(type));
  const std::string select = select_of(type, samples().at(type));
  MysqlWriteStep step(select, {{"table", table}, {"create_table", true}, {"verify", "full"}});
  const std::string said = step.outcome();
  ASSERT_TRUE(said.starts_with("ok ")) << type << ": " << said;
  if (made == "DECIMAL(p,s)") made = "DECIMAL(18,3)";
  in_database("CREATE OR REPLACE TABLE named (v " + made + ")");
  EXPECT_EQ(column_type(table), column_type("named")) << type << ", and the page says " << row.says;
  // An extractor reads 38 digits at most.
  const bool is_huge = type.ends_with("HUGEINT");
  MysqlStep back(loading_server(),
                 "SELECT i, " + std::string(is_huge ? "CAST(v AS CHAR) AS v" : "v") + " FROM shop." + table);
  const auto read = back.run(mysql_extractor());
  ASSERT_TRUE(read.ok()) << type << ": " << read.error().message;
  back.sql("CREATE TABLE original AS " + select);
  // What is UTC there is so by the page alone.
  const std::string text = type == "TIMESTAMPTZ" ? "r.v::VARCHAR || '+00'" : "r.v::VARCHAR";
  const std::string same = type == "BLOB"      ? "r.v"
                           : type == "BOOLEAN" ? "(r.v::INTEGER)::BOOLEAN"
                                               : "(" + text + ")" + cast_of(type);
  EXPECT_EQ(back.query("SELECT count(*), count(*) FILTER (WHERE " + same +
                       " IS DISTINCT FROM o.v) FROM original o LEFT JOIN {out} r ON r.i = o.i"),
            said.substr(3) + "|0\n")
      << type << back.query("SELECT * FROM {out}");
}

TEST(TypesToMysql, AreAsThePageSays) {
  for (const TypeRow& row : rows_of_types("To MySQL and MariaDB"))
    for (size_t i = 0; i < types_of(row).size(); ++i) {
      const std::string type = types_of(row)[i];
      ASSERT_TRUE(samples().contains(type)) << "the page has " << type << ", and there are no values of it here";
      expect_made(row, type, other_of(row, i));
    }
}

TEST(TypesToMysql, OfThePageAreAllThatHaveValuesHere) {
  std::map<std::string, std::string> left = samples();
  bool refuses_others = false;
  for (const TypeRow& row : rows_of_types("To MySQL and MariaDB")) {
    for (const std::string& type : types_of(row)) left.erase(type);
    refuses_others |= row.first == "all others" && row.is_refused();
  }
  EXPECT_TRUE(left.empty()) << left.begin()->first << " is in no row of the page";
  EXPECT_TRUE(refuses_others);
}

TEST(TypesToMysql, OthersAreRefused) {
  for (const char* value : {"'101'::BIT", "[1]", "{'a': 1}", "MAP {'a': 1}", "'2024-01-01'::TIMESTAMP_NS",
                            "'10:00:00+01'::TIMETZ", "1::BIGNUM", "'10:00:00'::TIME_NS"}) {
    const std::string said =
        MysqlWriteStep(std::string("SELECT 1 AS i, ") + value + " AS v", {{"table", "never"}, {"create_table", true}})
            .outcome();
    EXPECT_NE(said.find("table never, column 'v': no type of MySQL's holds a "), std::string::npos) << said;
  }
}

}  // namespace
}  // namespace osiris::worker::test
