// docs/types.md, "From PostgreSQL" and "To PostgreSQL": each row has values here, which go there and come back.
#include <map>

#include "protocol/base/text.h"
#include "tests/drivers/postgres/steps.h"
#include "tests/drivers/types/table.h"
#include "tests/drivers/types/values.h"
#include "worker/drivers/postgres.extractor/driver.h"
#include "worker/drivers/postgres.writer/driver.h"

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
      {"BIGNUM", "'123456789012345678901234567890123456789012345'|-1"},
      {"FLOAT", "'nan'|'inf'|'-0'|1.1"},
      {"DOUBLE", "'nan'|'-inf'|'-0'|0.1|5e-324"},
      {"DECIMAL(18,3)", "-0.001|10000|999999999999999.999"},
      {"VARCHAR", "''|'naïve 🦆'|'a''b\\c'|'line\n'"},
      {"ENUM", "'b'"},
      {"JSON", "'{\"b\" : [1, null]}'|'null'"},
      {"BLOB", "''|'\\x00\\xFF'"},
      {"BIT", "'1'|'101010101'"},
      {"UUID", "'00000000-0000-0000-0000-000000000000'|'ffffffff-0000-0000-0000-00000000000a'"},
      {"DATE", "'0001-01-01'|'9999-12-31'|'4713-11-24 (BC)'|'infinity'"},
      {"TIMESTAMP", "'0001-01-01'|'9999-12-31 23:59:59.999999'|'-infinity'"},
      {"TIMESTAMP_S", "'2024-02-29 01:02:03'"},
      {"TIMESTAMP_MS", "'2024-02-29 01:02:03.004'"},
      {"TIMESTAMPTZ", "'1999-12-31 23:59:59.5+00'"},
      {"TIME", "'00:00:00'|'23:59:59.999999'|'24:00:00'"},
      {"TIMETZ", "'12:00:00+05:30'|'01:02:03.4-15:59:59'"},
      {"INTERVAL", "'14 months -3 days 04:05:06.789'"},
      {"INTEGER[]", "[1, NULL]|[]"},
      {"VARCHAR[2]", "['a', NULL]"},
      {"TIMESTAMP_NS", "'2024-01-01'"},
      {"TIME_NS", "'10:00:00'"},
      {"STRUCT", "{'a': 1}"},
      {"MAP", "MAP {'a': 1}"},
      {"UNION", "union_value(n := 1)"},
      {"VARIANT", "1::VARIANT"},
      {"INTEGER[][]", "[[1]]"}};
  return all;
}

Result<StepOutcome> write(const std::string& select, const std::string& table) {
  PostgresStep step(postgres_writer());
  step.add_input("rows", select);
  step.configure({{"table", table}, {"verify", "full"}});
  return step.run();
}

// The server's own name of the type of a column.
std::string column_type(const std::string& table) {
  return ask_shop("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = '" + table +
                  "'::regclass AND attname = 'v'");
}

std::vector<std::string> types_of(const TypeRow& row) {
  if (row.first.starts_with("LIST and ARRAY")) return {"INTEGER[]", "VARCHAR[2]"};
  std::vector<std::string> types = row.types;
  for (std::string& type : types)
    if (type == "DECIMAL(p,s)") type = "DECIMAL(18,3)";
  if (row.first.find("lists of lists") != std::string::npos) types.push_back("INTEGER[][]");
  // No value of it can be made without the engine's extension for it.
  std::erase(types, "GEOMETRY");
  return types;
}

void expect_made(const TypeRow& row, const std::string& type, std::string made) {
  const std::string table = "to_" + std::to_string(std::hash<std::string>()(type));
  const std::string select = select_of(type, samples().at(type));
  const auto written = write(select, table);
  ASSERT_TRUE(written.ok()) << type << ": " << written.error().message;
  if (made == "numeric(p,s)") made = "numeric(18,3)";
  if (type == "INTEGER[]") made = "integer[]";
  if (type == "VARCHAR[2]") made = "text[]";
  in_shop("DROP TABLE IF EXISTS named; CREATE TABLE named (v " + made + ")");
  EXPECT_EQ(column_type(table), column_type("named")) << type << ", and the page says " << row.says;
  PostgresStep back(postgres_extractor());
  back.configure({{"table", table}});
  const auto read = back.run();
  ASSERT_TRUE(read.ok()) << type << ": " << read.error().message;
  back.sql("CREATE TABLE original AS " + select);
  const std::string same = cast_of(type).empty() ? "r.v" : "(r.v::VARCHAR)" + cast_of(type);
  EXPECT_EQ(back.query("SELECT count(*), count(*) FILTER (WHERE " + same +
                       " IS DISTINCT FROM o.v) FROM original o LEFT JOIN {out} r ON r.i = o.i"),
            std::to_string(written->rows_written) + "|0\n")
      << type << back.query("SELECT * FROM {out}");
}

TEST(TypesToPostgres, AreAsThePageSays) {
  for (const TypeRow& row : rows_of_types("To PostgreSQL"))
    for (size_t i = 0; i < types_of(row).size(); ++i) {
      const std::string type = types_of(row)[i];
      ASSERT_TRUE(samples().contains(type)) << "the page has " << type << ", and there are no values of it here";
      if (!row.is_refused()) {
        expect_made(row, type, other_of(row, i));
        continue;
      }
      const auto refused = write(select_of(type, samples().at(type)), "never");
      ASSERT_FALSE(refused.ok()) << type;
      EXPECT_NE(refused.error().message.find("table public.never, column 'v': no type of PostgreSQL's holds a "),
                std::string::npos)
          << type << refused.error().message;
    }
}

TEST(TypesToPostgres, OfThePageAreAllThatHaveValuesHere) {
  std::map<std::string, std::string> left = samples();
  for (const TypeRow& row : rows_of_types("To PostgreSQL"))
    for (const std::string& type : types_of(row)) left.erase(type);
  EXPECT_TRUE(left.empty()) << left.begin()->first << " is in no row of the page";
}

struct Source {
  std::string type, values;  // PostgreSQL's, '|' between them
};
// By the first cell of the page: for each type there, in its order.
const std::map<std::string, std::vector<Source>>& sources() {
  static const std::map<std::string, std::vector<Source>> all = {
      {"boolean", {{"boolean", "true|false"}}},
      {"smallint, integer, bigint, oid",
       {{"smallint", "-32768"},
        {"integer", "2147483647"},
        {"bigint", "'-9223372036854775808'"},
        {"oid", "4294967295"}}},
      {"real, double precision", {{"real", "'NaN'|1.1|'-0'"}, {"double precision", "'-Infinity'|0.1"}}},
      {"numeric(p,s) of at most 38 digits", {{"numeric(18,3)", "-0.001|1234.5"}}},
      {"numeric(p,s) of more digits, numeric", {{"numeric(50,2)", "1.25"}, {"numeric", "0.00010|'NaN'"}}},
      {"text, varchar, char(n), name, xml",
       {{"text", "''|'naïve 🦆'"}, {"varchar", "'a '"}, {"char(3)", "'a'"}, {"name", "'n'"}, {"xml", "'<a/>'"}}},
      {"enum", {{"mood", "'glad'"}}},
      {"bytea", {{"bytea", "'\\x00ff'|''"}}},
      {"uuid", {{"uuid", "'ffffffff-0000-0000-0000-00000000000a'"}}},
      {"json, jsonb", {{"json", "'{\"b\" :  1}'"}, {"jsonb", "'{\"b\" : 1}'"}}},
      {"date", {{"date", "'0001-01-01'|'4713-01-01 BC'|'infinity'|'9999-12-31'"}}},
      {"timestamp, timestamptz",
       {{"timestamp", "'0044-03-15 BC'|'9999-12-31 23:59:59.999999'|'infinity'"},
        {"timestamptz", "'2024-02-29 12:00+02'"}}},
      {"time, timetz", {{"time", "'24:00:00'|'00:00:00.000001'"}, {"timetz", "'12:00+05:30'"}}},
      {"interval", {{"interval", "'14 months -3 days 04:05:06.789'"}}},
      {"bit(n), varbit", {{"bit(3)", "B'101'"}, {"varbit", "B'1'"}}},
      {"arrays of these", {{"integer[]", "'{1,NULL}'|'{}'"}, {"text[]", "'{\"a b\",NULL}'"}}},
      {"domain", {{"price", "1.50"}}},
  };
  return all;
}

// From a table into a relation of this type, and from there into another table: nothing has changed.
void expect_read(const Source& source, const std::string& says) {
  const auto& [type, values] = source;
  std::string list = "(0, NULL)";
  size_t number = 1;
  for (const std::string& value : split(values, '|')) list += ", (" + std::to_string(number++) + ", " + value + ")";
  in_shop("DROP TABLE IF EXISTS from_a, from_b; CREATE TABLE from_a (i int, v " + type +
          "); INSERT INTO from_a VALUES " + list);
  PostgresStep step(postgres_extractor());
  step.configure({{"table", "from_a"}});
  const auto read = step.run();
  ASSERT_TRUE(read.ok()) << type << ": " << read.error().message;
  const std::string here = step.output_columns().substr(std::string("i INTEGER, v ").size());
  const std::map<std::string, std::string> in_full_of = {
      {"DECIMAL", "DECIMAL(18,3)"},
      {"LIST", type.substr(0, type.find('[')) == "text" ? "VARCHAR[]" : "INTEGER[]"},
      {"TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"},
      {"TIMETZ", "TIME WITH TIME ZONE"}};
  const auto in_full = in_full_of.find(says);
  // A domain is read as the type it is of.
  EXPECT_EQ(here, in_full != in_full_of.end() ? in_full->second : says.empty() ? "DECIMAL(6,2)" : says) << type;
  const std::string file = (step.work_dir() / "moved.duckdb").string();
  step.sql("ATTACH '" + file + "' AS moved");
  (void)step.query("CREATE TABLE moved.t AS SELECT * FROM {out}");
  step.sql("DETACH moved");
  const bool is_text = here == "VARCHAR";
  in_shop("CREATE TABLE from_b (i int, v " + (is_text ? "text" : type == "oid" ? "bigint" : type) + ")");
  PostgresStep back(postgres_writer());
  back.sql("ATTACH '" + file + "' AS moved (READ_ONLY)");
  back.add_input("rows", "SELECT * FROM moved.t");
  back.configure({{"table", "from_b"}, {"verify", "full"}});
  const auto written = back.run();
  ASSERT_TRUE(written.ok()) << type << ": " << written.error().message;
  const bool has_blanks = type.starts_with("char(");  // which a cast to text leaves out
  EXPECT_EQ(ask_shop(std::string("SELECT count(*), count(*) FILTER (WHERE ") +
                     (has_blanks ? "CASE WHEN a.v IS NOT NULL THEN format('%s', a.v) END" : "a.v::text") +
                     " IS DISTINCT FROM b.v::text) FROM from_a a LEFT JOIN from_b b USING (i)"),
            std::to_string(number) + "|0\n")
      << type;
}

TEST(TypesFromPostgres, AreAsThePageSays) {
  in_shop("CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE DOMAIN price AS numeric(6,2)");
  const std::vector<TypeRow> rows = rows_of_types("From PostgreSQL");
  for (const TypeRow& row : rows) {
    if (row.first.starts_with("inet, cidr")) continue;  // below
    ASSERT_TRUE(sources().contains(row.first))
        << "the page has " << row.first << ", and there are no values of it here";
    const auto& types = sources().at(row.first);
    for (size_t place = 0; place < types.size(); ++place) expect_read(types[place], other_of(row, place));
  }
  // The row of all other types.
  for (const Source& source : {Source{"inet", "'192.168.0.1/24'"}, Source{"money", "12.5"}, Source{"point", "'(1,2)'"},
                               Source{"int4range", "'[1,5)'"}, Source{"tsvector", "'a b'"}})
    expect_read(source, "VARCHAR");
}

}  // namespace
}  // namespace osiris::worker::test
