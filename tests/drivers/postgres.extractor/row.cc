#include "tests/drivers/postgres/steps.h"
#include "tests/drivers/suite.h"
#include "worker/drivers/postgres.extractor/driver.h"

namespace osiris::worker::test {
namespace {

void select_rows(StepHarness& step, const std::string& select) {
  step.set_connection("postgres", "shop", postgres_fields(plain_postgres()));
  step.set_config({{"query", select}});
}

void arrange(StepHarness& step, uint64_t rows) {
  select_rows(step, "SELECT n AS id, 'name ' || n AS name FROM generate_series(1, " + std::to_string(rows) + ") AS n");
}

// The server itself fails after many rows.
void arrange_failure(StepHarness& step) {
  select_rows(step, "SELECT n, 1 / (50000 - n) AS quotient FROM generate_series(1, 100000) AS n");
}

void arrange_secret(StepHarness& step, const std::string& secret) {
  Json fields = postgres_fields(plain_postgres());
  fields.set("password", secret);
  step.set_connection("postgres", "shop", fields);
  step.set_config({{"query", "SELECT 1"}, {"echo", true}});
}

}  // namespace

const DriverRow& driver_row() {
  static const DriverRow row{.driver = &postgres_extractor(),
                             .makes_relation = true,
                             .arrange = arrange,
                             .arrange_failure = arrange_failure,
                             .arrange_secret = arrange_secret};
  return row;
}

}  // namespace osiris::worker::test
