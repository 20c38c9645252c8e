#include "tests/drivers/suite.h"
#include "worker/drivers/filesystem.json_extractor/driver.h"

namespace osiris::worker::test {
namespace {

std::string numbered_rows(uint64_t rows) {
  std::string text;
  for (uint64_t i = 0; i < rows; ++i)
    text += "{\"id\": " + std::to_string(i) + ", \"name\": \"name " + std::to_string(i % 97) + "\"}\n";
  return text;
}

void arrange(StepHarness& step, uint64_t rows) {
  step.write_file("in.ndjson", numbered_rows(rows));
  Json config = Json::object({{"path", "in.ndjson"}});
  if (rows == 0) config.set("columns", Json::object({{"id", "BIGINT"}, {"name", "VARCHAR"}}));
  step.set_config(std::move(config));
}

void arrange_failure(StepHarness& step) {
  step.write_file("in.ndjson", numbered_rows(100000) + "{\"id\": }\n" + numbered_rows(10));
  step.set_config({{"path", "in.ndjson"}});
}

}  // namespace

const DriverRow& driver_row() {
  static const DriverRow row{.driver = &filesystem_json_extractor(),
                             .makes_relation = true,
                             .arrange = arrange,
                             .arrange_failure = arrange_failure};
  return row;
}

}  // namespace osiris::worker::test
