// One call for the usual test of the CSV writer: these rows, this config, which bytes.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/drivers/harness.h"
#include "worker/drivers/filesystem.csv_writer/driver.h"

namespace osiris::worker::test {

// The bytes of out.csv, or "error: ..." and then nothing may be left in the directory.
inline std::string write_csv(const std::string& select, Json config = Json::object()) {
  StepHarness step("save");
  step.add_input("rows", select);
  config.set("path", "out.csv");
  step.set_config(std::move(config));
  const auto outcome = step.run(filesystem_csv_writer());
  if (!outcome.ok()) {
    EXPECT_TRUE(step.files_in().empty()) << "a failed step left " << step.files_in().front();
    return "error: " + outcome.error().message;
  }
  EXPECT_EQ(step.files_in(), std::vector<std::string>{"out.csv"});
  return step.read_file("out.csv");
}

}  // namespace osiris::worker::test
