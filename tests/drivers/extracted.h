// What an extractor makes of a prepared step: one call for the usual test of a source of files.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/drivers/harness.h"

namespace osiris::worker::test {

struct Extracted {
  std::string columns;                // "a BIGINT, b VARCHAR"
  std::string rows;                   // "1|x\n2|NULL\n"
  std::string error, hint, category;  // empty when it worked
  std::string logs;                   // a line each
  uint64_t rows_read = 0;
};

// Runs the driver. A step that failed has left no relation, one that did not has as many rows as it says. The relation
// stays: run it with a harness of its own, or drop it.
// `columns_shown`: what of each column is shown; COLUMNS(*)::VARCHAR shows values as text of their own.
inline Extracted run_extractor(StepHarness& step, const Driver& driver, const std::string& columns_shown = "*") {
  Extracted result;
  const auto outcome = step.run(driver);
  for (const std::string& line : step.logs()) result.logs += line + "\n";
  if (!outcome.ok()) {
    EXPECT_FALSE(step.has_output_table()) << "a failed step left its output";
    result.error = outcome.error().message;
    result.hint = outcome.error().hint;
    result.category = outcome.error().category;
    return result;
  }
  result.rows_read = outcome->rows_read;
  result.columns = step.output_columns();
  result.rows = step.query("SELECT " + columns_shown + " FROM {out}");
  EXPECT_EQ(std::to_string(outcome->rows_read) + "\n", step.query("SELECT count(*) FROM {out}"));
  return result;
}

}  // namespace osiris::worker::test
