// docs/types.md, "To PostgreSQL", a column that is there: every type of a relation into a column of every type. The
// page says which take it; all others refuse it before the first row.
#include "tests/drivers/postgres/steps.h"
#include "tests/drivers/types/table.h"
#include "worker/drivers/postgres.writer/driver.h"

namespace osiris::worker::test {
namespace {

// By the name that the page has: the column, and the text of a value that it holds.
struct Column {
  std::string type, text;
};
const std::map<std::string, Column>& columns() {
  static const std::map<std::string, Column> all = {{"boolean", {"boolean", ""}},
                                                    {"smallint", {"smallint", ""}},
                                                    {"integer", {"integer", ""}},
                                                    {"bigint", {"bigint", ""}},
                                                    {"numeric", {"numeric", "12.5"}},
                                                    {"real", {"real", ""}},
                                                    {"double precision", {"double precision", ""}},
                                                    {"text", {"text", "a b"}},
                                                    {"varchar(n)", {"varchar(20)", "a b"}},
                                                    {"char(n)", {"char(8)", "a b     "}},
                                                    {"json", {"json", "{\"a\": 1}"}},
                                                    {"jsonb", {"jsonb", "{\"a\": 1}"}},
                                                    {"xml", {"xml", "<a/>"}},
                                                    {"mood", {"mood", "glad"}},
                                                    {"bytea", {"bytea", ""}},
                                                    {"bit varying", {"bit varying", ""}},
                                                    {"bit(n)", {"bit(3)", ""}},
                                                    {"uuid", {"uuid", ""}},
                                                    {"date", {"date", ""}},
                                                    {"timestamp(n)", {"timestamp(3)", ""}},
                                                    {"timestamptz(n)", {"timestamptz(3)", ""}},
                                                    {"time(n)", {"time(3)", ""}},
                                                    {"timetz(n)", {"timetz(3)", ""}},
                                                    {"interval", {"interval", ""}}};
  return all;
}

struct Value {
  std::string sql;   // DuckDB's; '?' stands for the column's text
  std::string text;  // what the server shows of it; empty: the column's text
};
const std::map<std::string, Value>& values() {
  static const std::map<std::string, Value> all = {
      {"BOOLEAN", {"true", "true"}},
      {"TINYINT", {"7::TINYINT", "7"}},
      {"UTINYINT", {"7::UTINYINT", "7"}},
      {"SMALLINT", {"7::SMALLINT", "7"}},
      {"USMALLINT", {"7::USMALLINT", "7"}},
      {"INTEGER", {"7::INTEGER", "7"}},
      {"UINTEGER", {"7::UINTEGER", "7"}},
      {"BIGINT", {"7::BIGINT", "7"}},
      {"UBIGINT", {"7::UBIGINT", "7"}},
      {"HUGEINT", {"7::HUGEINT", "7"}},
      {"UHUGEINT", {"7::UHUGEINT", "7"}},
      {"BIGNUM", {"7::BIGNUM", "7"}},
      {"FLOAT", {"1.5::FLOAT", "1.5"}},
      {"DOUBLE", {"1.5::DOUBLE", "1.5"}},
      {"DECIMAL(p,s)", {"12.5::DECIMAL(5,1)", "12.5"}},
      {"VARCHAR", {"'?'", ""}},
      {"ENUM", {"'?'::ENUM('?', 'other')", ""}},
      {"JSON", {"'{\"a\": 1}'::JSON", "{\"a\": 1}"}},
      {"BLOB", {"'\\x01\\xFF'::BLOB", "\\x01ff"}},
      {"BIT", {"'101'::BIT", "101"}},
      {"UUID", {"'ffffffff-0000-0000-0000-00000000000a'::UUID", "ffffffff-0000-0000-0000-00000000000a"}},
      {"DATE", {"'2024-02-29'::DATE", "2024-02-29"}},
      {"TIMESTAMP", {"'2024-02-29 01:02:03.5'::TIMESTAMP", "2024-02-29 01:02:03.5"}},
      {"TIMESTAMP_S", {"'2024-02-29 01:02:03'::TIMESTAMP_S", "2024-02-29 01:02:03"}},
      {"TIMESTAMP_MS", {"'2024-02-29 01:02:03.5'::TIMESTAMP_MS", "2024-02-29 01:02:03.5"}},
      {"TIMESTAMPTZ", {"'2024-02-29 01:02:03.5+00'::TIMESTAMPTZ", "2024-02-29 01:02:03.5+00"}},
      {"TIME", {"'01:02:03.5'::TIME", "01:02:03.5"}},
      {"TIMETZ", {"'01:02:03.5+02'::TIMETZ", "01:02:03.5+02"}},
      {"INTERVAL", {"INTERVAL '1 day 02:00:00'", "1 day 02:00:00"}},
      {"TIMESTAMP_NS", {"'2024-01-01'::TIMESTAMP_NS", ""}},
      {"TIME_NS", {"'10:00:00'::TIME_NS", ""}},
      {"STRUCT", {"{'a': 1}", ""}},
      {"MAP", {"MAP {'a': 1}", ""}},
      {"UNION", {"union_value(n := 1)", ""}},
      {"VARIANT", {"1::VARIANT", ""}}};
  return all;
}

std::string filled(std::string sql, const std::string& text) {
  for (size_t at; (at = sql.find('?')) != std::string::npos;) sql.replace(at, 1, text);
  return sql;
}

void expect_pair(const std::string& type, const Column& column, bool is_taken, const std::string& suffix) {
  SCOPED_TRACE(type + suffix + " -> " + column.type + suffix);
  const Value& value = values().at(type);
  const std::string text = column.text.empty() ? "a" : column.text;
  const std::string one = filled(value.sql, text);
  const std::string shown = value.text.empty() ? text : value.text;
  const std::string expected = suffix.empty() ? "'" + shown + "'" : "ARRAY['" + shown + "', NULL]";
  in_shop("CREATE TABLE there (v " + column.type + suffix + ")");
  PostgresStep step(postgres_writer());
  step.add_input("rows", "SELECT " + (suffix.empty() ? one : "[" + one + ", NULL]") + " AS v UNION ALL SELECT NULL");
  step.configure({{"table", "there"}, {"verify", "full"}});
  const auto written = step.run();
  if (is_taken) {
    EXPECT_TRUE(written.ok()) << written.error().message;
    const bool is_compared = column.type != "json" && column.type != "xml";  // by the server
    EXPECT_EQ(ask_shop("SELECT count(*), count(*) FILTER (WHERE v" + std::string(is_compared ? "" : "::text") +
                       " IS NOT DISTINCT FROM " + expected + "::" + (is_compared ? column.type : "text") + suffix +
                       ") FROM there"),
              "2|1\n")
        << ask_shop("SELECT v FROM there");
  } else {
    ASSERT_FALSE(written.ok());
    EXPECT_NE(written.error().message.find("table public.there, column 'v': it is "), std::string::npos)
        << written.error().message;
    EXPECT_NE(written.error().message.find(" is not written to that"), std::string::npos) << written.error().message;
    EXPECT_EQ(ask_shop("SELECT count(*) FROM there"), "0\n");
  }
  in_shop("DROP TABLE there");
}

TEST(TypesToPostgres, IntoAColumnThatIsThereAreAsThePageSays) {
  in_shop("CREATE TYPE mood AS ENUM ('sad', 'glad')");
  const std::map<std::string, std::vector<std::string>> words = {{"any integer", {"smallint", "integer", "bigint"}},
                                                                 {"an enum", {"mood"}}};
  const std::vector<TypeRow> rows = rows_of_types("To PostgreSQL");
  size_t pairs = 0, taken = 0;
  for (size_t place = 0; place < rows.size(); ++place) {
    if (rows[place].first.starts_with("LIST and ARRAY")) continue;  // below, of each of the others
    const auto targets = rows[place].is_refused() ? std::set<std::string>() : targets_of(rows, place, words);
    for (const std::string& target : targets)
      EXPECT_TRUE(columns().contains(target)) << "the page has " << target << ", and there is no such column here";
    for (const std::string& type : rows[place].types) {
      if (type == "GEOMETRY") continue;  // made by an extension of the engine's alone
      ASSERT_TRUE(values().contains(type)) << "the page has " << type << ", and there is no value of it here";
      const bool has_items = !rows[place].is_refused() && type != "ENUM" && type != "BIGNUM";
      for (const auto& [name, column] : columns()) {
        const bool is_taken = targets.contains(name);
        expect_pair(type, column, is_taken, "");
        // Of json and xml no two values are compared by the server.
        if (has_items && is_taken && name != "json" && name != "xml" && name != "mood")
          expect_pair(type, column, type != "DATE" || name == "date", "[]");
        ++pairs, taken += is_taken;
      }
    }
  }
  EXPECT_GE(pairs, 700u);
  EXPECT_GE(taken, 70u);
}

}  // namespace
}  // namespace osiris::worker::test
