// Runs after runs over a table that grows: what each takes, and the state between them.
#include <gmock/gmock.h>

#include "tests/drivers/postgres/steps.h"
#include "worker/drivers/postgres.extractor/driver.h"

namespace osiris::worker::test {
namespace {

using ::testing::HasSubstr;

// One table of one type of cursor; each take() is a run that ended well.
class Source {
 public:
  Source(const std::string& table, const std::string& type, Json incremental)
      : table_(table), incremental_(std::move(incremental)) {
    in_shop("DROP TABLE IF EXISTS " + table + "; CREATE TABLE " + table + " (id int, at " + type + ")");
    incremental_.set("column", "at");
  }
  void put(int id, const std::string& at) const {
    in_shop("INSERT INTO " + table_ + " VALUES (" + std::to_string(id) + ", " + at + ")");
  }
  // The ids that a run takes, sorted; or its error.
  std::string take(std::initializer_list<Json::Member> more = {}) {
    PostgresStep step(postgres_extractor());
    Json config = Json::object({{"table", table_}, {"incremental", incremental_}});
    for (const auto& [key, value] : more) config.set(key, value);
    step.set_config(config);
    step.set_previous_state(state);
    const auto outcome = step.run();
    if (!outcome.ok()) return outcome.error().message + "; " + outcome.error().hint;
    if (!step.new_state().is_null()) state = step.new_state();
    return step.query("SELECT coalesce(string_agg(id, ' ' ORDER BY id), '') FROM {out}");
  }
  Json& incremental() { return incremental_; }
  const std::string& table() const { return table_; }

  Json state;

 private:
  std::string table_;
  Json incremental_;
};

Json with_key() { return Json::object({{"key", Json::array({"id"})}}); }

TEST(PostgresIncremental, TakesEachRowOnceWhateverTiesAndTypes) {
  struct Row {
    std::string type, kind;
    std::vector<std::string> values;  // in their order
    std::string kept;                 // the second of them, as the state has it
  };
  const std::vector<Row> rows = {
      {"smallint", "integer", {"1", "2", "3"}, "2"},
      {"bigint",
       "integer",
       {"-9223372036854775808", "9223372036854775806", "9223372036854775807"},
       "9223372036854775806"},
      {"numeric(38,10)",
       "decimal",
       {"-1.5", "9999999999999999999999999999.0000000001", "9999999999999999999999999999.0000000002"},
       "9999999999999999999999999999.0000000001"},
      {"date", "date", {"'0044-03-15 BC'", "'2024-02-29'", "'9999-12-31'"}, "2024-02-29"},
      {"timestamp",
       "timestamp",
       {"'0001-01-01'", "'2024-02-29 23:59:59.999999'", "'2024-03-01 00:00:00'"},
       "2024-02-29 23:59:59.999999"},
      {"timestamptz",
       "timestamptz",
       {"'2024-10-27 02:30+02'", "'2024-10-27 02:30+01'", "'2024-10-27 02:30:00.000001+01'"},
       "2024-10-27 01:30:00+00"},
      {"text", "text", {"''", "'B'", "'a'"}, "B"},
      {"varchar(20)", "text", {"'Zürich'", "'a''b\\c'", "'ÿ𐍈'"}, "a'b\\c"},
      {"text COLLATE \"en-x-icu\"", "text", {"'Z'", "'_'", "'a'"}, "_"}};
  for (const Row& row : rows) {
    SCOPED_TRACE(row.type);
    Source source("ticks", row.type, with_key());
    source.put(1, row.values[0]);
    source.put(2, row.values[1]);
    EXPECT_EQ(source.take(), "1 2\n");
    EXPECT_EQ(source.state["value"].as_string(), row.kept);
    EXPECT_EQ(source.state["type"].as_string(), row.kind);
    EXPECT_EQ(source.state["table"].as_string(), source.table());
    EXPECT_EQ(source.take(), "\n") << "nothing came";
    source.put(3, row.values[1]);
    EXPECT_EQ(source.take(), "3\n") << "a tie is neither lost nor repeated";
    EXPECT_EQ(source.state["taken"].size(), 2u);
    source.put(4, row.values[2]);
    source.put(5, row.values[1]);
    EXPECT_EQ(source.take(), "4 5\n");
    EXPECT_EQ(source.state["taken"].dump(), "[[\"4\"]]");
    EXPECT_EQ(source.take(), "\n");
  }
}

TEST(PostgresIncremental, WithoutAKeyRowsOfTheLastValueComeAgain) {
  Source source("keyless", "int", Json::object());
  source.put(1, "10");
  EXPECT_EQ(source.take(), "1\n");
  source.put(2, "10");
  EXPECT_EQ(source.take(), "1 2\n");
  EXPECT_FALSE(source.state.contains("taken"));
}

TEST(PostgresIncremental, InitialIsWhereTheFirstRunBegins) {
  Source source("begun", "date", Json::object({{"initial", "2024-05-01"}}));
  source.put(1, "'2024-04-30'");
  source.put(2, "'2024-05-01'");
  EXPECT_EQ(source.take(), "2\n");
  source.incremental().set("initial", "2024-06-01");
  EXPECT_EQ(source.take(), "2\n") << "the state wins";
  Source wrong("begun", "date", Json::object({{"initial", "yesterday"}}));
  EXPECT_THAT(wrong.take(), HasSubstr("'initial' of incremental, 'yesterday' is no DATE"));
}

TEST(PostgresIncremental, LookbackReadsAgain) {
  Source source("late", "timestamptz", Json::object({{"lookback", "2h"}}));
  source.put(1, "'2024-05-01 10:00Z'");
  source.put(2, "'2024-05-01 12:00Z'");
  EXPECT_EQ(source.take(), "1 2\n");
  source.put(3, "'2024-05-01 09:59Z'");
  source.put(4, "'2024-05-01 11:00Z'");
  EXPECT_EQ(source.take(), "1 2 4\n");
  Source numbers("late", "bigint", Json::object({{"lookback", 10}}));
  numbers.put(1, "85");
  numbers.put(2, "100");
  EXPECT_EQ(numbers.take(), "1 2\n");
  numbers.put(3, "90");
  EXPECT_EQ(numbers.take(), "2 3\n");
  numbers.incremental().set("lookback", "2h");
  EXPECT_THAT(numbers.take(), HasSubstr("'lookback' is \"2h\", and column 'at' holds numbers"));
  Source texts("late", "text", Json::object({{"lookback", "2h"}}));
  texts.put(1, "'a'");
  EXPECT_EQ(texts.take(), "1\n");
  EXPECT_THAT(texts.take(), HasSubstr("'lookback' needs a column of numbers or times"));
}

TEST(PostgresIncremental, RowsWithoutAValueAreAnErrorOrLeftOut) {
  Source source("gaps", "int", with_key());
  source.put(1, "5");
  EXPECT_EQ(source.take(), "1\n");
  source.put(2, "NULL");
  EXPECT_THAT(source.take(), HasSubstr("have NULL in column 'at'"));
  source.incremental().set("nulls", "skip");
  EXPECT_EQ(source.take(), "\n");
  source.put(3, "6");
  EXPECT_EQ(source.take(), "3\n");
  Source first("gaps", "int", Json::object({{"nulls", "skip"}}));
  first.put(1, "NULL");
  first.put(2, "1");
  EXPECT_EQ(first.take(), "2\n");
}

TEST(PostgresIncremental, WhatHasNoOrderIsRefused) {
  for (const auto& [type, value] : std::vector<std::pair<std::string, std::string>>{{"double precision", "1.5"},
                                                                                    {"boolean", "true"},
                                                                                    {"uuid", "gen_random_uuid()"},
                                                                                    {"numeric", "1.5"},
                                                                                    {"char(4)", "'a'"},
                                                                                    {"interval", "'1h'"}}) {
    Source source("orderless", type, Json::object());
    source.put(1, value);
    EXPECT_THAT(source.take(), ::testing::AnyOf(HasSubstr("incremental needs"), HasSubstr("has no order for it")))
        << type;
  }
  Source endless("orderless", "timestamp", Json::object());
  endless.put(1, "'infinity'");
  EXPECT_THAT(endless.take(), HasSubstr("column 'at' holds infinity"));
  Source other("orderless", "int", Json::object());
  other.incremental().set("column", "When");
  EXPECT_THAT(other.take(), HasSubstr("the rows have no column 'When'"));
  EXPECT_THAT(other.take({{"limit", 1}}), HasSubstr("'limit' cannot be used with 'incremental'"));
}

TEST(PostgresIncremental, AStateThatIsNotTheStepsIsRefused) {
  Source source("foreign_state", "int", with_key());
  source.put(1, "5");
  const auto with = [&](Json state) {
    source.state = std::move(state);
    return source.take();
  };
  EXPECT_THAT(with(Json::object({{"bookmark", 1}})), HasSubstr("the kept state has no value"));
  EXPECT_THAT(with(Json::object({{"column", "id"}, {"value", "5"}})), HasSubstr("is of column 'id'"));
  EXPECT_THAT(with(Json::object({{"column", "at"}, {"type", "integer"}, {"value", "5"}})), HasSubstr("has no key"));
  EXPECT_THAT(with(Json::object({{"value", "5"}, {"type", "date"}})), HasSubstr("is of a date"));
  EXPECT_THAT(with(Json::object({{"value", "1.5"}})), HasSubstr("the kept state's value '1.5' is no INTEGER"));
  EXPECT_THAT(with(Json::object({{"value", "5"}, {"table", "others"}})),
              HasSubstr("is of table 'others', and the step reads 'foreign_state'"));
  EXPECT_THAT(with(Json::object({{"value", "x"}})), HasSubstr("the kept state's value 'x' is no INTEGER"));
  EXPECT_EQ(with(Json::object({{"value", "6"}})), "\n") << "as `osiris state set` writes it";
  EXPECT_EQ(with(Json::object({{"value", 5}})), "1\n");
}

TEST(PostgresIncremental, QueriesAndPartsAreRead) {
  Source source("parted", "int", with_key());
  for (int id = 1; id <= 20; ++id) source.put(id, std::to_string(id / 2));
  source.state = Json::object({{"value", "8"}});
  const Json parts = Json::object({{"column", "id"}, {"parts", 3}});
  EXPECT_EQ(source.take({{"partition", parts}}), "16 17 18 19 20\n");
  source.put(21, "10");
  EXPECT_EQ(source.take({{"table", nullptr}, {"query", "SELECT * FROM parted WHERE id <> 2 -- all\n"}}), "21\n");
}

}  // namespace
}  // namespace osiris::worker::test
