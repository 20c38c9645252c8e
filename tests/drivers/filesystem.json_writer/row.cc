#include "tests/drivers/suite.h"
#include "worker/drivers/filesystem.json_writer/driver.h"

namespace osiris::worker::test {
namespace {

void arrange(StepHarness& step, uint64_t rows) {
  step.add_input("rows", "SELECT i AS id, 'name ' || i % 97 AS name, i + 0.25 AS price FROM range(" +
                             std::to_string(rows) + ") t(i)");
  step.set_config({{"path", "out/result.json"}});
}

// JSON has no infinity; the division that makes it fails after 400,000 rows.
void arrange_failure(StepHarness& step) {
  step.write_file("out/result.json", "the old file\n");
  step.add_input("rows",
                 "SELECT i AS id, CASE WHEN i = 400000 THEN 'inf'::DOUBLE ELSE i END AS price FROM range(500000) t(i)");
  step.set_config({{"path", "out/result.json"}});
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
  static const DriverRow row{.driver = &filesystem_json_writer(),
                             .writes_outside = true,
                             .arrange = arrange,
                             .arrange_failure = arrange_failure,
                             .written = written};
  return row;
}

}  // namespace osiris::worker::test
