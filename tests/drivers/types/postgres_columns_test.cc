// docs/types.md, "To PostgreSQL", a column that is there: every type of a relation into a column of every type. The
// page says which take it; all others refuse it before the first row.
#include <memory>

#include "tests/drivers/postgres/steps.h"
#include "tests/drivers/types/table.h"
#include "tests/drivers/types/values.h"
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
                                                    {"mood", {"tone", "glad"}},
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

using Steps = std::map<std::string, std::unique_ptr<PostgresStep>>;  // by what they write

void expect_pair(Steps& steps, const std::string& type, const Column& column, bool is_taken,
                 const std::string& suffix) {
  SCOPED_TRACE(type + suffix + " -> " + column.type + suffix);
  const OneValue& value = one_value_of_each().at(type);
  const std::string text = column.text.empty() ? "a" : column.text;
  const std::string one = with_text(value.sql, text);
  const std::string shown = (value.text.empty() ? text : value.text) + (type == "TIMESTAMPTZ" ? "+00" : "");
  const std::string expected = suffix.empty() ? "'" + shown + "'" : "ARRAY['" + shown + "', NULL]";
  in_shop("CREATE TABLE there (v " + column.type + suffix + ")");
  const std::string select = "SELECT " + (suffix.empty() ? one : "[" + one + ", NULL]") + " AS v UNION ALL SELECT NULL";
  std::unique_ptr<PostgresStep>& step = steps[select];
  if (!step) {
    step = std::make_unique<PostgresStep>(postgres_writer());
    step->add_input("rows", select);
    step->configure({{"table", "there"}, {"verify", "full"}});
  }
  const auto written = step->run();
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
  in_shop("CREATE TYPE tone AS ENUM ('sad', 'glad')");
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
      ASSERT_TRUE(one_value_of_each().contains(type))
          << "the page has " << type << ", and there is no value of it here";
      const bool has_items = !rows[place].is_refused() && type != "ENUM" && type != "BIGNUM";
      Steps steps;
      for (const auto& [name, column] : columns()) {
        const bool is_taken = targets.contains(name);
        expect_pair(steps, type, column, is_taken, "");
        // Of json and xml no two values are compared by the server.
        if (has_items && is_taken && name != "json" && name != "xml" && name != "mood")
          expect_pair(steps, type, column, type != "DATE" || name == "date", "[]");
        ++pairs, taken += is_taken;
      }
    }
  }
  EXPECT_GE(pairs, 700u);
  EXPECT_GE(taken, 70u);
}

}  // namespace
}  // namespace osiris::worker::test
