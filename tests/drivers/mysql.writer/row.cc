#include "tests/drivers/mysql.writer/writing.h"
#include "tests/drivers/suite.h"

namespace osiris::worker::test {
namespace {

void prepare(StepHarness& step, const std::string& select) {
  step.set_connection("mysql", "shop", fields_for(loading_server()));
  step.add_input("rows", select);
  step.set_config({{"table", "suite_rows"}, {"write_mode", "replace"}, {"create_table", true}});
}

void arrange(StepHarness& step, uint64_t rows) {
  in_database("DROP TABLE IF EXISTS suite_rows");
  prepare(step, "SELECT i AS id, 'name ' || i % 97 AS name, (i + 0.25)::DECIMAL(12,2) AS price FROM range(" +
                    std::to_string(rows) + ") t(i)");
}

// The server refuses a row after many that it took.
void arrange_failure(StepHarness& step) {
  in_database(
      "CREATE OR REPLACE TABLE suite_rows (id bigint CHECK (id <> 190000)); INSERT INTO suite_rows VALUES (-1)");
  prepare(step, "SELECT i AS id FROM range(200000) t(i)");
}

void arrange_secret(StepHarness& step, const std::string& secret) {
  arrange(step, 10);
  step.set_connection("mysql", "shop", fields_for(loading_server(), {{"password", secret}}));
}

std::string written(StepHarness&) {
  return ask_database("SELECT COUNT(*) FROM information_schema.tables WHERE table_name LIKE 'osiris%'") == "0\n"
             ? ask_database("SELECT COUNT(*), SUM(id) FROM shop.suite_rows")
             : "a table was left";
}

}  // namespace

const DriverRow& driver_row() {
  static const DriverRow row{.driver = &mysql_writer(),
                             .writes_outside = true,
                             .arrange = arrange,
                             .arrange_failure = arrange_failure,
                             .arrange_secret = arrange_secret,
                             .written = written};
  return row;
}

}  // namespace osiris::worker::test
