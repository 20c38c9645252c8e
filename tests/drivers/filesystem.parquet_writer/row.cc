#include "tests/drivers/file_row.h"
#include "worker/drivers/filesystem.parquet_writer/driver.h"

namespace osiris::worker::test {
namespace {

struct Format {
  static constexpr auto& kDriver = filesystem_parquet_writer;
  static constexpr char kPath[] = "out/result.parquet";
  // A number of 39 digits has no place in DECIMAL(38,0).
  static constexpr char kRefused[] =
      "SELECT i AS id, CASE WHEN i = 400000 THEN 170141183460469231731687303715884105727 ELSE i END::HUGEINT "
      "AS wide FROM range(500000) t(i)";
  static Json config() { return Json::object(); }
};

}  // namespace

const DriverRow& driver_row() { return FileRow<Format>::row(); }

}  // namespace osiris::worker::test
