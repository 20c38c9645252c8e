// Text to typed columns inside a DuckDB statement, by the rules of values.h: SQL functions for one statement
// (sql_function.h). DuckDB's own casts are not used, for the reason in text_scan.h.
#pragma once

#include <duckdb.h>

#include <string>

#include "worker/driver_api/driver.h"
#include "worker/drivers/filesystem.csv_extractor/values.h"

namespace osiris::worker::csv {

class Conversion {
 public:
  Conversion(StepContext& step, NumberFormat numbers);
  Conversion(const Conversion&) = delete;
  Conversion& operator=(const Conversion&) = delete;

  // SQL that turns the text `argument` into `kind` (argument itself for kText). A value that does not fit fails the
  // statement.
  Result<std::string> expression(size_t column, Kind kind, const std::string& argument);

 private:
  duckdb_connection connection_;
  NumberFormat numbers_;
  std::string prefix_;
};

}  // namespace osiris::worker::csv
