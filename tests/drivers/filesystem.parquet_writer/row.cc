#include "tests/drivers/suite.h"
#include "worker/drivers/filesystem.parquet_writer/driver.h"

namespace osiris::worker::test {
namespace {

void arrange(StepHarness& step, uint64_t rows) {
  step.add_input("rows", "SELECT i AS id, 'name ' || i % 97 AS name, i + 0.25 AS price FROM range(" +
                             std::to_string(rows) + ") t(i)");
  step.set_config({{"path", "out/result.parquet"}});
}

// A number of 39 digits has no place in DECIMAL(38,0); it comes after 400,000 rows that were written.
void arrange_failure(StepHarness& step) {
  step.write_file("out/result.parquet", "the old file\n");
  step.add_input(
      "rows",
      "SELECT i AS id, CASE WHEN i = 400000 THEN 170141183460469231731687303715884105727 ELSE i END::HUGEINT "
      "AS wide FROM range(500000) t(i)");
  step.set_config({{"path", "out/result.parquet"}});
}

std::string written(StepHarness& step) {
  std::string all;
  std::error_code none;
  if (!std::filesystem::exists(step.work_dir() / "out", none)) return all;
  for (const std::string& name : step.files_in("out")) all += name + ":\n" + step.read_file("out/" + name);
  return all;
}

}  // namespace

const DriverRow& driver_row() {
  static const DriverRow row{.driver = &filesystem_parquet_writer(),
                             .writes_outside = true,
                             .arrange = arrange,
                             .arrange_failure = arrange_failure,
                             .written = written};
  return row;
}

}  // namespace osiris::worker::test
