// One call for the usual test of the JSON extractor: this text, this config, what comes out.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/drivers/harness.h"
#include "worker/drivers/filesystem.json_extractor/driver.h"

namespace osiris::worker::test {

struct Extracted {
  std::string columns, rows, error, hint, category, logs;
};

inline Extracted run_extract(StepHarness& step) {
  const auto outcome = step.run(filesystem_json_extractor());
  Extracted result;
  for (const std::string& line : step.logs()) result.logs += line + "\n";
  EXPECT_TRUE(std::filesystem::is_empty(step.scratch_dir())) << "scratch files were left";
  if (!outcome.ok()) {
    EXPECT_FALSE(step.has_output_table()) << "a failed step left its output";
    result.error = outcome.error().message;
    result.hint = outcome.error().hint;
    result.category = outcome.error().category;
    return result;
  }
  result.columns = step.output_columns();
  result.rows = step.query("SELECT COLUMNS(*)::VARCHAR FROM {out}");
  EXPECT_EQ(std::to_string(outcome->rows_read) + "\n", step.query("SELECT count(*) FROM {out}"));
  return result;
}

// `config` without the path.
inline Extracted extract(const std::string& bytes, Json config = Json::object(), const std::string& file = "in.json") {
  StepHarness step("read");
  step.write_file(file, bytes);
  config.set("path", file);
  step.set_config(std::move(config));
  return run_extract(step);
}

}  // namespace osiris::worker::test
