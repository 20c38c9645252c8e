// docs/types.md, "To MySQL and MariaDB", a column that is there: every type of a relation into a column of every type.
// The page says which take it; all others refuse it before the first row.
#include <memory>

#include "tests/drivers/mysql.writer/writing.h"
#include "tests/drivers/types/table.h"
#include "tests/drivers/types/values.h"

namespace osiris::worker::test {
namespace {

// By the name that the page has: the column, and the text of a value that it holds.
struct Column {
  std::string type, text;
};
const std::map<std::string, Column>& columns() {
  static const std::map<std::string, Column> all = {{"TINYINT", {"TINYINT", ""}},
                                                    {"SMALLINT", {"SMALLINT", ""}},
                                                    {"MEDIUMINT", {"MEDIUMINT UNSIGNED", ""}},
                                                    {"INT", {"INT", ""}},
                                                    {"BIGINT", {"BIGINT", ""}},
                                                    {"YEAR", {"YEAR", ""}},
                                                    {"DECIMAL", {"DECIMAL(12,3)", ""}},
                                                    {"FLOAT", {"FLOAT", ""}},
                                                    {"DOUBLE", {"DOUBLE", ""}},
                                                    {"CHAR", {"CHAR(40)", "a b"}},
                                                    {"VARCHAR", {"VARCHAR(40)", "a b"}},
                                                    {"TINYTEXT", {"TINYTEXT", "a b"}},
                                                    {"TEXT", {"TEXT", "a b"}},
                                                    {"MEDIUMTEXT", {"MEDIUMTEXT", "a b"}},
                                                    {"LONGTEXT", {"LONGTEXT", "a b"}},
                                                    {"ENUM", {"ENUM('sad','it''s')", "it's"}},
                                                    {"SET", {"SET('p','q','r')", "p,r"}},
                                                    {"JSON", {"JSON", "{\"a\": 1}"}},
                                                    {"UUID", {"UUID", "ffffffff-0000-0000-0000-00000000000a"}},
                                                    {"INET4", {"INET4", "10.0.0.1"}},
                                                    {"INET6", {"INET6", "2001:db8::ff"}},
                                                    {"BINARY", {"BINARY(2)", ""}},
                                                    {"VARBINARY", {"VARBINARY(9)", ""}},
                                                    {"TINYBLOB", {"TINYBLOB", ""}},
                                                    {"BLOB", {"BLOB", ""}},
                                                    {"MEDIUMBLOB", {"MEDIUMBLOB", ""}},
                                                    {"LONGBLOB", {"LONGBLOB", ""}},
                                                    {"BIT", {"BIT(8)", ""}},
                                                    {"DATE", {"DATE", ""}},
                                                    {"DATETIME(n)", {"DATETIME(3)", ""}},
                                                    {"TIMESTAMP(n)", {"TIMESTAMP(3) NULL", ""}},
                                                    {"TIME(n)", {"TIME(3)", ""}}};
  return all;
}

std::string doubled_quotes(const std::string& text) {
  std::string doubled;
  for (const char c : text) doubled += c == '\'' ? "''" : std::string(1, c);
  return doubled;
}

using Steps = std::map<std::string, std::unique_ptr<MysqlWriteStep>>;  // by what they write

void expect_pair(Steps& steps, const std::string& type, const std::string& name, bool is_taken) {
  const Column& column = columns().at(name);
  SCOPED_TRACE(type + " -> " + column.type);
  OneValue value = one_value_of_each().at(type);
  if (name == "YEAR" && value.text == "7") {  // 7 would be the year 2007
    value.sql.replace(0, 1, type.ends_with("TINYINT") ? "NULL" : "1999");
    value.text = type.ends_with("TINYINT") ? "NULL" : "1999";
  }
  if (name == "YEAR" && type == "BOOLEAN") value = {"NULL::BOOLEAN", "NULL"};
  const std::string text = doubled_quotes(column.text.empty() ? "a" : column.text);
  value.sql = with_text(value.sql, text);
  in_database("CREATE OR REPLACE TABLE there (v " + column.type + ")");
  const std::string select = "SELECT " + value.sql + " AS v UNION ALL SELECT NULL";
  std::unique_ptr<MysqlWriteStep>& step = steps[select];
  if (!step) step.reset(new MysqlWriteStep(select, {{"table", "there"}, {"verify", "full"}}));
  const std::string said = step->outcome();
  if (!is_taken) {
    EXPECT_NE(said.find("table there, column 'v': it is "), std::string::npos) << said;
    EXPECT_NE(said.find(" is not written to that"), std::string::npos) << said;
    EXPECT_EQ(ask_database("SELECT COUNT(*) FROM shop.there"), "0\n");
    return;
  }
  EXPECT_EQ(said, "ok 2");
  const std::string shown = value.text.empty()     ? "'" + text + "'"
                            : value.text == "NULL" ? "NULL"
                                                   : "'" + value.text + "'";
  // A TIMESTAMP is shown in the zone of who asks.
  const std::string compared =
      name == "TIMESTAMP(n)" ? "CONVERT_TZ(" + shown + ", '+00:00', @@session.time_zone)" : shown;
  EXPECT_EQ(ask_database("SELECT COUNT(*), SUM(v <=> " + compared + ") FROM shop.there"),
            shown == "NULL" ? "2|2\n" : "2|1\n")
      << ask_database("SELECT v FROM shop.there");
}

TEST(TypesToMysql, IntoAColumnThatIsThereAreAsThePageSays) {
  const std::map<std::string, std::vector<std::string>> words = {
      {"any integer", {"TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT"}},
      {"texts", {"CHAR", "VARCHAR", "TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT"}},
      {"bytes", {"BINARY", "VARBINARY", "TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB"}}};
  const std::vector<TypeRow> rows = rows_of_types("To MySQL and MariaDB");
  size_t pairs = 0, taken = 0;
  for (size_t place = 0; place < rows.size(); ++place) {
    const auto targets = rows[place].is_refused() ? std::set<std::string>() : targets_of(rows, place, words);
    for (const std::string& target : targets)
      EXPECT_TRUE(columns().contains(target)) << "the page has " << target << ", and there is no such column here";
    std::vector<std::string> types = rows[place].types;
    if (rows[place].first == "all others") types = {"BIT", "LIST", "STRUCT", "TIMETZ", "TIMESTAMP_NS"};
    for (const std::string& type : types) {
      ASSERT_TRUE(one_value_of_each().contains(type))
          << "the page has " << type << ", and there is no value of it here";
      Steps steps;
      for (const auto& [name, column] : columns()) {
        if (type == "UUID" && name == "JSON") continue;  // MariaDB's is a text with a check
        const bool is_taken = targets.contains(name);
        expect_pair(steps, type, name, is_taken);
        ++pairs, taken += is_taken;
      }
    }
  }
  EXPECT_GE(pairs, 900u);
  EXPECT_GE(taken, 120u);
}

}  // namespace
}  // namespace osiris::worker::test
