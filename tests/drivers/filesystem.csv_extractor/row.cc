#include "tests/drivers/suite.h"
#include "worker/drivers/filesystem.csv_extractor/driver.h"

namespace osiris::worker::test {
namespace {

std::string numbered_rows(uint64_t rows) {
  std::string text = "id,name,price\n";
  for (uint64_t i = 0; i < rows; ++i)
    text += std::to_string(i) + ",name " + std::to_string(i % 97) + "," + std::to_string(i) + ".25\n";
  return text;
}

void arrange(StepHarness& step, uint64_t rows) {
  step.write_file("in.csv", numbered_rows(rows));
  step.set_config({{"path", "in.csv"}});
}

void arrange_failure(StepHarness& step) {
  step.write_file("in.csv", numbered_rows(100000) + "1,2,3,4,5\n" + numbered_rows(10));
  step.set_config({{"path", "in.csv"}});
}

}  // namespace

const DriverRow& driver_row() {
  static const DriverRow row{.driver = &filesystem_csv_extractor(),
                             .makes_relation = true,
                             .arrange = arrange,
                             .arrange_failure = arrange_failure};
  return row;
}

}  // namespace osiris::worker::test
