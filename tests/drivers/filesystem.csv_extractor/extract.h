// One call for the usual test of the CSV extractor: this text, this config, what comes out.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/drivers/harness.h"
#include "worker/drivers/filesystem.csv_extractor/driver.h"

namespace osiris::worker::test {

struct Extracted {
  std::string columns;  // "a BIGINT, b VARCHAR"
  std::string rows;     // "1|x\n2|NULL\n"
  std::string error;    // empty when it worked
  std::string hint;
  std::string category;
  uint64_t rows_read = 0;
};

inline Extracted run_extract(StepHarness& step) {
  Extracted result;
  const auto outcome = step.run(filesystem_csv_extractor());
  if (!outcome.ok()) {
    EXPECT_FALSE(step.has_output_table()) << "a failed step left its output";
    result.error = outcome.error().message;
    result.hint = outcome.error().hint;
    result.category = outcome.error().category;
    return result;
  }
  result.rows_read = outcome->rows_read;
  result.columns = step.output_columns();
  result.rows = step.query("SELECT * FROM {out}");
  return result;
}

// `config` without the path.
inline Extracted extract(const std::string& bytes, Json config = Json::object(), const std::string& file = "in.csv") {
  StepHarness step("read");
  step.write_file(file, bytes);
  config.set("path", file);
  step.set_config(std::move(config));
  return run_extract(step);
}

}  // namespace osiris::worker::test
