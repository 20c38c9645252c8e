// Parquet files made by the engine of the test, and what the extractor makes of them.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/drivers/harness.h"
#include "worker/drivers/filesystem.parquet_extractor/driver.h"

namespace osiris::worker::test {

inline void write_parquet(StepHarness& step, const std::string& file, const std::string& select,
                          const std::string& options = "COMPRESSION zstd") {
  std::filesystem::create_directories((step.work_dir() / file).parent_path());
  step.sql("COPY (" + select + ") TO '" + (step.work_dir() / file).string() + "' (FORMAT parquet, " + options + ")");
}

struct Extracted {
  std::string columns, rows, error, hint, category;
};

inline Extracted extract(StepHarness& step, Json config) {
  step.set_config(std::move(config));
  const auto outcome = step.run(filesystem_parquet_extractor());
  if (!outcome.ok()) {
    EXPECT_FALSE(step.has_output_table()) << "a failed step left its output";
    return {"", "", outcome.error().message, outcome.error().hint, outcome.error().category};
  }
  Extracted result{step.output_columns(), step.query("SELECT * FROM {out}"), "", "", ""};
  EXPECT_EQ(std::to_string(outcome->rows_read) + "\n", step.query("SELECT count(*) FROM {out}"));
  return result;
}

inline Extracted extract(StepHarness& step, const char* path) { return extract(step, Json::object({{"path", path}})); }

inline std::string all_logs(const StepHarness& step) {
  std::string all;
  for (const std::string& line : step.logs()) all += line + "\n";
  return all;
}

}  // namespace osiris::worker::test
