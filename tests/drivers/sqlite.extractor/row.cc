#include "tests/drivers/sqlite.extractor/database.h"
#include "tests/drivers/suite.h"

namespace osiris::worker::test {
namespace {

void arrange(StepHarness& step, uint64_t rows) {
  sqlite(step,
         "CREATE TABLE t (id INTEGER, name TEXT, price REAL);"
         "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < " +
             std::to_string(rows) + ") INSERT INTO t SELECT i, 'name ' || (i % 97), i + 0.25 FROM n WHERE i < " +
             std::to_string(rows));
  step.set_config({{"path", "in.db"}, {"table", "t"}});
}

void arrange_failure(StepHarness& step) {
  arrange(step, 100000);
  sqlite(step, "INSERT INTO t VALUES ('not a number', 'x', 1.5)");
}

}  // namespace

const DriverRow& driver_row() {
  static const DriverRow row{
      .driver = &sqlite_extractor(), .makes_relation = true, .arrange = arrange, .arrange_failure = arrange_failure};
  return row;
}

}  // namespace osiris::worker::test
