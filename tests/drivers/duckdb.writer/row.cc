#include "tests/drivers/suite.h"
#include "worker/drivers/duckdb.writer/driver.h"

namespace osiris::worker::test {
namespace {

void arrange(StepHarness& step, uint64_t rows) {
  step.add_input("rows", "SELECT i AS id, 'name ' || i % 97 AS name, i + 0.25 AS price FROM range(" +
                             std::to_string(rows) + ") t(i)");
  step.set_config({{"path", "out/result.duckdb"}, {"table", "t"}});
}

// What is in the target's place is no database.
void arrange_failure(StepHarness& step) {
  step.write_file("out/result.duckdb", std::string(20000, 'x'));
  step.add_input("rows", "SELECT i AS id FROM range(100) t(i)");
  step.set_config({{"path", "out/result.duckdb"}, {"table", "t"}});
}

// A database file has times and identifiers of its own; what it holds is what counts.
std::string written(StepHarness& step) {
  std::string all;
  std::error_code none;
  if (!std::filesystem::exists(step.work_dir() / "out", none)) return all;
  for (const std::string& name : step.files_in("out")) {
    const std::string bytes = step.read_file("out/" + name);
    all += name + ":\n";
    if (bytes.size() < 12 || bytes.substr(8, 4) != "DUCK") {
      all += bytes;
      continue;
    }
    step.sql("ATTACH '" + (step.work_dir() / "out" / name).string() + "' AS looked_at (READ_ONLY)");
    all += step.query("SELECT * FROM looked_at.main.t ORDER BY ALL");
    step.sql("DETACH looked_at");
  }
  return all;
}

}  // namespace

const DriverRow& driver_row() {
  static const DriverRow row{.driver = &duckdb_writer(),
                             .writes_outside = true,
                             .arrange = arrange,
                             .arrange_failure = arrange_failure,
                             .written = written};
  return row;
}

}  // namespace osiris::worker::test
