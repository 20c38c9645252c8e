#include "tests/drivers/duckdb.extractor/database.h"
#include "tests/drivers/suite.h"

namespace osiris::worker::test {
namespace {

void arrange(StepHarness& step, uint64_t rows) {
  fill(step, "CREATE TABLE t AS SELECT i AS id, 'name ' || i % 97 AS name, i + 0.25 AS price FROM range(" +
                 std::to_string(rows) + ") r(i)");
  step.set_config({{"path", "in.duckdb"}, {"table", "t"}});
}

void arrange_failure(StepHarness& step) {
  arrange(step, 200000);
  step.set_config({{"path", "in.duckdb"},
                   {"query", "SELECT id, CASE WHEN id = 150000 THEN error('no luck') ELSE name END AS name FROM t"}});
}

}  // namespace

const DriverRow& driver_row() {
  static const DriverRow row{
      .driver = &duckdb_extractor(), .makes_relation = true, .arrange = arrange, .arrange_failure = arrange_failure};
  return row;
}

}  // namespace osiris::worker::test
