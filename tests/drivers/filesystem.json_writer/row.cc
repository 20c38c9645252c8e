#include "tests/drivers/file_row.h"
#include "worker/drivers/filesystem.json_writer/driver.h"

namespace osiris::worker::test {
namespace {

struct Format {
  static constexpr auto& kDriver = filesystem_json_writer;
  static constexpr char kPath[] = "out/result.json";
  // JSON has no infinity; the division that makes it fails.
  static constexpr char kRefused[] =
      "SELECT i AS id, CASE WHEN i = 400000 THEN 'inf'::DOUBLE ELSE i END AS price FROM range(500000) t(i)";
  static Json config() { return Json::object(); }
};

}  // namespace

const DriverRow& driver_row() { return FileRow<Format>::row(); }

}  // namespace osiris::worker::test
