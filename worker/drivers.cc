#include "worker/drivers.h"

#include <array>

#include "worker/drivers/duckdb.extractor/driver.h"
#include "worker/drivers/duckdb.processor/driver.h"
#include "worker/drivers/duckdb.writer/driver.h"
#include "worker/drivers/exec.processor/driver.h"
#include "worker/drivers/filesystem.csv_extractor/driver.h"
#include "worker/drivers/filesystem.csv_writer/driver.h"
#include "worker/drivers/filesystem.json_extractor/driver.h"
#include "worker/drivers/filesystem.json_writer/driver.h"
#include "worker/drivers/filesystem.parquet_extractor/driver.h"
#include "worker/drivers/filesystem.parquet_writer/driver.h"
#include "worker/drivers/graphql.extractor/driver.h"
#include "worker/drivers/mock/driver.h"
#include "worker/drivers/mysql.extractor/driver.h"
#include "worker/drivers/mysql.writer/driver.h"
#include "worker/drivers/postgres.extractor/driver.h"
#include "worker/drivers/postgres.writer/driver.h"
#include "worker/drivers/posthog.extractor/driver.h"
#include "worker/drivers/preview/difference.h"
#include "worker/drivers/preview/preview.h"
#include "worker/drivers/python.processor/driver.h"
#include "worker/drivers/singer.extractor/driver.h"
#include "worker/drivers/sqlite.extractor/driver.h"
#include "worker/drivers/supabase.extractor/driver.h"
#include "worker/drivers/supabase.writer/driver.h"

namespace osiris::worker {
namespace {

// Sorted by name. A new driver is one line here, one include above and one folder.
const std::array kDrivers = {
    &duckdb_extractor,
    &duckdb_processor,
    &duckdb_writer,
    &exec_processor,
    &filesystem_csv_extractor,
    &filesystem_csv_writer,
    &filesystem_json_extractor,
    &filesystem_json_writer,
    &filesystem_parquet_extractor,
    &filesystem_parquet_writer,
    &graphql_extractor,
    &mock,
    &mysql_extractor,
    &mysql_writer,
    &postgres_extractor,
    &postgres_writer,
    &posthog_extractor,
    &python_processor,
    &singer_extractor,
    &sqlite_extractor,
    &supabase_extractor,
    &supabase_writer,
};

// No components: a host adds them to plans of its own, to look at rows.
const std::array kLookingDrivers = {&row_difference, &preview_rows};

}  // namespace

const Driver* find_driver(std::string_view name) {
  for (const auto driver : kDrivers) {
    if (driver().name == name) return &driver();
  }
  for (const auto driver : kLookingDrivers) {
    if (driver().name == name) return &driver();
  }
  return nullptr;
}

std::vector<std::string> driver_names(bool with_mock) {
  std::vector<std::string> names;
  for (const auto driver : kDrivers) {
    if (with_mock || driver != &mock) names.emplace_back(driver().name);
  }
  return names;
}

}  // namespace osiris::worker
