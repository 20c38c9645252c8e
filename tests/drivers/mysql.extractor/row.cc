#include "tests/drivers/mysql.extractor/servers.h"
#include "tests/drivers/suite.h"
#include "worker/drivers/mysql.extractor/driver.h"

namespace osiris::worker::test {
namespace {

void select_rows(StepHarness& step, const std::string& select) {
  step.set_connection("mysql", "shop", fields_for(plain_server()));
  step.set_config({{"query", select}});
}

void arrange(StepHarness& step, uint64_t rows) {
  select_rows(step, "SELECT seq AS id, CONCAT('name ', seq) AS name FROM seq_1_to_" +
                        std::to_string(std::max<uint64_t>(rows, 1)) + " WHERE seq <= " + std::to_string(rows));
}

// The server itself fails after many rows: one of them has no exact DECIMAL.
void arrange_failure(StepHarness& step) {
  select_rows(step, "SELECT seq, IF(seq = 50000, CAST(1e50 AS DECIMAL(65,0)), 1) AS big FROM seq_1_to_100000");
}

void arrange_secret(StepHarness& step, const std::string& secret) {
  Json fields = fields_for(plain_server());
  fields.set("password", secret);
  step.set_connection("mysql", "shop", fields);
  step.set_config({{"query", "SELECT 1"}, {"echo", true}});
}

}  // namespace

const DriverRow& driver_row() {
  static const DriverRow row{.driver = &mysql_extractor(),
                             .makes_relation = true,
                             .arrange = arrange,
                             .arrange_failure = arrange_failure,
                             .arrange_secret = arrange_secret};
  return row;
}

}  // namespace osiris::worker::test
