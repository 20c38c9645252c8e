#include "tests/drivers/filesystem.parquet_extractor/extract.h"
#include "tests/drivers/suite.h"

namespace osiris::worker::test {
namespace {

std::string numbered_rows(uint64_t rows) {
  return "SELECT i AS id, 'name ' || i % 97 AS name, i + 0.25 AS price FROM range(" + std::to_string(rows) + ") t(i)";
}

void arrange(StepHarness& step, uint64_t rows) {
  write_parquet(step, "in.parquet", numbered_rows(rows));
  step.set_config({{"path", "in.parquet"}});
}

// Its last rows are no longer what was compressed.
void arrange_failure(StepHarness& step) {
  write_parquet(step, "in.parquet", numbered_rows(400000), "COMPRESSION zstd, ROW_GROUP_SIZE 50000");
  std::string bytes = step.read_file("in.parquet");
  bytes.replace(bytes.size() * 3 / 4, 4000, 4000, '\x7f');
  step.write_file("in.parquet", bytes);
  step.set_config({{"path", "in.parquet"}});
}

}  // namespace

const DriverRow& driver_row() {
  static const DriverRow row{.driver = &filesystem_parquet_extractor(),
                             .makes_relation = true,
                             .arrange = arrange,
                             .arrange_failure = arrange_failure};
  return row;
}

}  // namespace osiris::worker::test
