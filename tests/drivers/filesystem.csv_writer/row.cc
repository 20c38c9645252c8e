#include "tests/drivers/file_row.h"
#include "worker/drivers/filesystem.csv_writer/driver.h"

namespace osiris::worker::test {
namespace {

struct Format {
  static constexpr auto& kDriver = filesystem_csv_writer;
  static constexpr char kPath[] = "out/result.csv";
  // Latin-1 has no such letter.
  static constexpr char kRefused[] =
      "SELECT i AS id, CASE WHEN i = 100000 THEN '\xc4\x9b' ELSE 'plain' END AS name FROM range(200000) t(i)";
  static Json config() { return Json::object({{"encoding", "latin-1"}}); }
};

}  // namespace

const DriverRow& driver_row() { return FileRow<Format>::row(); }

}  // namespace osiris::worker::test
