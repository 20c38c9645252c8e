// What the Parquet writer makes of an input, and what reads it back.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/drivers/harness.h"
#include "worker/drivers/filesystem.parquet_writer/driver.h"

namespace osiris::worker::test {

// "" or the error.
inline std::string write(StepHarness& step, Json config = Json::object()) {
  if (config["path"].is_null()) config.set("path", "out.parquet");
  step.set_config(std::move(config));
  const auto outcome = step.run(filesystem_parquet_writer());
  return outcome.ok() ? "" : outcome.error().message;
}

// A query over the file that was written; {file} is it.
inline std::string read_back(StepHarness& step, std::string query, const std::string& file = "out.parquet") {
  const std::string literal = "'" + (step.work_dir() / file).string() + "'";
  for (size_t at; (at = query.find("{file}")) != std::string::npos;) query.replace(at, 6, literal);
  return step.query(query);
}

}  // namespace osiris::worker::test
