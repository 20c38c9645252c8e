// One call for the usual test of the CSV extractor: this text, this config, what comes out.
#pragma once

#include <string>

#include "tests/drivers/extracted.h"
#include "worker/drivers/filesystem.csv_extractor/driver.h"

namespace osiris::worker::test {

inline Extracted run_extract(StepHarness& step) { return run_extractor(step, filesystem_csv_extractor()); }

// `config` without the path.
inline Extracted extract(const std::string& bytes, Json config = Json::object(), const std::string& file = "in.csv") {
  StepHarness step("read");
  step.write_file(file, bytes);
  config.set("path", file);
  step.set_config(std::move(config));
  return run_extract(step);
}

}  // namespace osiris::worker::test
