// The harness runs the SQL as a statement of its own; what confines it is the worker's database, and is tested with
// that.
#include <gtest/gtest.h>

#include "tests/drivers/suite.h"
#include "worker/drivers/duckdb.processor/driver.h"

namespace osiris::worker::test {
namespace {

void arrange(StepHarness& step, uint64_t rows) {
  step.add_input("numbers",
                 "SELECT range AS id, 'name ' || (range % 97) AS name FROM range(" + std::to_string(rows) + ")");
  step.set_config({{"query", "SELECT id, upper(name) AS name FROM df_numbers"}});
}

void arrange_failure(StepHarness& step) {
  step.add_input("numbers",
                 "SELECT CASE WHEN range = 90000 THEN 'no number' ELSE range::VARCHAR END AS id FROM range(100000)");
  step.set_config({{"query", "SELECT id::INTEGER AS id FROM df_numbers"}});
}

void arrange_endless(StepHarness& step) {
  step.set_config(
      {{"query", "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range * b.range = -1"}});
}

TEST(DuckdbProcessor, GivesTheValuesOfItsConfigToBeBound) {
  StepHarness step;
  step.set_config({{"query", "SELECT 1 AS a"}, {"values", Json::object({{"since", "O'Brien"}})}});
  ASSERT_TRUE(step.run(duckdb_processor()).ok());
  EXPECT_EQ(step.bound_values(), Json::object({{"since", "O'Brien"}}));
}

}  // namespace

const DriverRow& driver_row() {
  static const DriverRow row{.driver = &duckdb_processor(),
                             .makes_relation = true,
                             .arrange = arrange,
                             .arrange_failure = arrange_failure,
                             .arrange_endless = arrange_endless};
  return row;
}

}  // namespace osiris::worker::test
