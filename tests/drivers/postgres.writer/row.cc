#include "tests/drivers/postgres/steps.h"
#include "tests/drivers/suite.h"
#include "worker/drivers/postgres.writer/driver.h"

namespace osiris::worker::test {
namespace {

void prepare(StepHarness& step, const std::string& select) {
  step.set_connection("postgres", "shop", postgres_fields(plain_postgres()));
  step.add_input("rows", select);
  step.set_config({{"table", "suite_rows"}, {"write_mode", "replace"}});
}

void arrange(StepHarness& step, uint64_t rows) {
  in_shop("DROP TABLE IF EXISTS suite_rows");
  prepare(step,
          "SELECT i AS id, 'name ' || i % 97 AS name, i + 0.25 AS price FROM range(" + std::to_string(rows) + ") t(i)");
}

// The server refuses a row after 100,000 that it took.
void arrange_failure(StepHarness& step) {
  in_shop(
      "DROP TABLE IF EXISTS suite_rows; CREATE TABLE suite_rows (id bigint CHECK (id <> 100000));"
      "INSERT INTO suite_rows VALUES (-1)");
  prepare(step, "SELECT i AS id FROM range(200000) t(i)");
}

void arrange_secret(StepHarness& step, const std::string& secret) {
  arrange(step, 10);
  step.set_connection("postgres", "shop", postgres_fields(plain_postgres(), {{"password", secret}}));
}

std::string written(StepHarness&) {
  return ask_shop("SELECT count(*) FROM pg_class WHERE relname LIKE 'osiris%'") == "0\n"
             ? ask_shop("SELECT count(*), sum(id) FROM suite_rows")
             : "a table was left";
}

}  // namespace

const DriverRow& driver_row() {
  static const DriverRow row{.driver = &postgres_writer(),
                             .writes_outside = true,
                             .arrange = arrange,
                             .arrange_failure = arrange_failure,
                             .arrange_secret = arrange_secret,
                             .written = written};
  return row;
}

}  // namespace osiris::worker::test
