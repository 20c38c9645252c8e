// Parquet files made by the engine of the test, and what the extractor makes of them.
#pragma once

#include <string>

#include "tests/drivers/extracted.h"
#include "worker/drivers/filesystem.parquet_extractor/driver.h"

namespace osiris::worker::test {

inline void write_parquet(StepHarness& step, const std::string& file, const std::string& select,
                          const std::string& options = "COMPRESSION zstd") {
  std::filesystem::create_directories((step.work_dir() / file).parent_path());
  step.sql("COPY (" + select + ") TO '" + (step.work_dir() / file).string() + "' (FORMAT parquet, " + options + ")");
}

inline Extracted extract(StepHarness& step, Json config) {
  step.set_config(std::move(config));
  return run_extractor(step, filesystem_parquet_extractor());
}

inline Extracted extract(StepHarness& step, const char* path) { return extract(step, Json::object({{"path", path}})); }

inline std::string all_logs(const StepHarness& step) {
  std::string all;
  for (const std::string& line : step.logs()) all += line + "\n";
  return all;
}

}  // namespace osiris::worker::test
