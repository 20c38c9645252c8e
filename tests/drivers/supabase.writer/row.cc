// The suite runs on the database, where a step that fails leaves nothing; what PostgREST leaves is in failures_test.cc.
#include "tests/drivers/suite.h"
#include "tests/drivers/supabase.writer/writing.h"

namespace osiris::worker::test {
namespace {

void prepare(StepHarness& step, const std::string& select) {
  step.set_connection("supabase", "shop", dsn_fields());
  step.add_input("rows", select);
  step.set_config({{"table", "suite_rows"}, {"write_mode", "replace"}, {"primary_key", "id"}, {"schema", "public"}});
}

void arrange(StepHarness& step, uint64_t rows) {
  in_shop("DROP TABLE IF EXISTS suite_rows");
  prepare(step, "SELECT i AS id, 'name ' || i % 97 AS name FROM range(" + std::to_string(rows) + ") t(i)");
}

void arrange_failure(StepHarness& step) {
  in_shop(
      "DROP TABLE IF EXISTS suite_rows; CREATE TABLE suite_rows (id bigint PRIMARY KEY CHECK (id <> 100000));"
      "INSERT INTO suite_rows VALUES (-1)");
  prepare(step, "SELECT i AS id FROM range(200000) t(i)");
}

void arrange_secret(StepHarness& step, const std::string& secret) {
  arrange(step, 10);
  step.set_connection("supabase", "shop", dsn_fields(secret));
}

std::string written(StepHarness&) {
  return ask_shop("SELECT count(*) FROM pg_class WHERE relname LIKE 'osiris%'") == "0\n"
             ? ask_shop("SELECT count(*), sum(id) FROM suite_rows")
             : "a table was left";
}

}  // namespace

const DriverRow& driver_row() {
  static const DriverRow row{.driver = &supabase_writer(),
                             .writes_outside = true,
                             .arrange = arrange,
                             .arrange_failure = arrange_failure,
                             .arrange_secret = arrange_secret,
                             .written = written};
  return row;
}

}  // namespace osiris::worker::test
