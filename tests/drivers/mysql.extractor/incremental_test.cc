// Runs after runs over a table that grows: what each takes, and the state between them.
#include <gmock/gmock.h>

#include "tests/drivers/mysql.extractor/servers.h"
#include "worker/drivers/mysql.extractor/driver.h"

namespace osiris::worker::test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

void on_shop(const std::string& sql) {
  const Status done = plain_server().execute("USE shop; " + sql);
  ASSERT_TRUE(done.ok()) << done.error().message;
}

class Source {
 public:
  explicit Source(const std::string& type, Json incremental = Json::object({{"key", Json::array({"id"})}}))
      : incremental_(std::move(incremental)) {
    incremental_.set("column", "at");
    on_shop("DROP TABLE IF EXISTS ticks; CREATE TABLE ticks (id int, at " + type + ")");
  }
  void put(int id, const std::string& at) const {
    on_shop("INSERT INTO ticks VALUES (" + std::to_string(id) + ", " + at + ")");
  }
  std::string take(const std::string& query = {}) {
    MysqlStep step(query);
    Json config = Json::object({{"incremental", incremental_}});
    config.set(query.empty() ? "table" : "query", query.empty() ? "ticks" : query);
    step.set_config(config);
    step.set_previous_state(state);
    const auto outcome = step.run(mysql_extractor());
    if (!outcome.ok()) return outcome.error().message + "; " + outcome.error().hint;
    if (!step.new_state().is_null()) state = step.new_state();
    return step.query("SELECT coalesce(string_agg(id, ' ' ORDER BY id), '') FROM {out}");
  }
  Json& incremental() { return incremental_; }

  Json state;

 private:
  Json incremental_;
};

TEST(MysqlIncremental, TakesEachRowOnceWhateverTiesAndTypes) {
  struct Row {
    std::string type, kind;
    std::vector<std::string> values;  // in their order
    std::string kept;                 // the second of them, as the state has it
  };
  const std::vector<Row> rows = {
      {"tinyint", "integer", {"-1", "2", "3"}, "2"},
      {"bigint unsigned", "integer", {"1", "18446744073709551614", "18446744073709551615"}, "18446744073709551614"},
      {"decimal(38,10)",
       "decimal",
       {"-1.5", "9999999999999999999999999999.0000000001", "9999999999999999999999999999.0000000002"},
       "9999999999999999999999999999.0000000001"},
      {"date", "date", {"'1000-01-01'", "'2024-02-29'", "'9999-12-31'"}, "2024-02-29"},
      {"datetime(6)",
       "timestamp",
       {"'1000-01-01'", "'2024-02-29 23:59:59.999999'", "'2024-03-01'"},
       "2024-02-29 23:59:59.999999"},
      {"timestamp(6) NULL", "timestamp", {"'2001-01-01'", "'2024-02-28 23:59:59.999999'", "'2024-03-01'"}, ""},
      {"varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", "text", {"''", "'B'", "'a'"}, "B"},
      {"varchar(20) CHARACTER SET utf8mb4", "text", {"'Zürich'", "'a ''b'", "'ÿ𐍈'"}, "a 'b"},
      {"varchar(20) CHARACTER SET latin1", "text", {"'Z'", "'a'", "'é'"}, "a"},
      {"text CHARACTER SET utf8mb4", "text", {"'a'", "'a '", "'b'"}, "a "}};
  for (const Row& row : rows) {
    SCOPED_TRACE(row.type);
    Source source(row.type);
    source.put(1, row.values[0]);
    source.put(2, row.values[1]);
    EXPECT_EQ(source.take(), "1 2\n");
    if (!row.kept.empty()) {
      EXPECT_EQ(source.state["value"].as_string(), row.kept);
    }
    EXPECT_EQ(source.state["type"].as_string(), row.kind);
    EXPECT_EQ(source.take(), "\n") << "nothing came";
    source.put(3, row.values[1]);
    EXPECT_EQ(source.take(), "3\n") << "a tie is neither lost nor repeated";
    source.put(4, row.values[2]);
    source.put(5, row.values[1]);
    EXPECT_EQ(source.take("SELECT id, at FROM ticks WHERE id > 0; -- all"), "4 5\n");
    EXPECT_EQ(source.state["taken"].dump(), "[[\"4\"]]");
    EXPECT_EQ(source.take(), "\n");
  }
}

TEST(MysqlIncremental, LookbackInitialAndRowsWithoutAValue) {
  Source source("datetime", Json::object({{"lookback", "1h"}, {"initial", "2024-05-01"}, {"nulls", "skip"}}));
  source.put(1, "'2024-04-30'");
  source.put(2, "'2024-05-01 10:00'");
  source.put(3, "NULL");
  EXPECT_EQ(source.take(), "2\n");
  source.put(4, "'2024-05-01 09:30'");
  EXPECT_EQ(source.take(), "2 4\n");
  source.incremental().erase("nulls");
  EXPECT_THAT(source.take(), HasSubstr("have NULL in column 'at'"));
}

TEST(MysqlIncremental, WhatHasNoOrderIsRefused) {
  for (const auto& [type, value] : std::vector<std::pair<std::string, std::string>>{{"double", "1.5"},
                                                                                    {"enum('b','a')", "'a'"},
                                                                                    {"set('b','a')", "'a'"},
                                                                                    {"time", "'10:00'"},
                                                                                    {"blob", "'a'"}}) {
    Source source(type);
    source.put(1, value);
    EXPECT_THAT(source.take(), AnyOf(HasSubstr("incremental needs"), HasSubstr("has no order for it"))) << type;
  }
  Source source("int");
  source.put(1, "1");
  EXPECT_THAT(source.take("SHOW TABLES"), HasSubstr("the rows have no column 'at'"));
}

}  // namespace
}  // namespace osiris::worker::test
