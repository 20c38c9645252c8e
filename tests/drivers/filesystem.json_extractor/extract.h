// One call for the usual test of the JSON extractor: this text, this config, what comes out.
#pragma once

#include <string>

#include "tests/drivers/extracted.h"
#include "worker/drivers/filesystem.json_extractor/driver.h"

namespace osiris::worker::test {

inline Extracted run_extract(StepHarness& step) {
  Extracted result = run_extractor(step, filesystem_json_extractor(), "COLUMNS(*)::VARCHAR");
  EXPECT_TRUE(std::filesystem::is_empty(step.scratch_dir())) << "scratch files were left";
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
