// Text to typed columns inside a DuckDB statement, by the rules of values.h. DuckDB's own casts are not used: its CSV
// reader and CAST turn "1.5" into the integer 2 and "1_000" into 1000 without a word.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "worker/driver_api/driver.h"
#include "worker/drivers/filesystem.csv_extractor/values.h"

namespace osiris::worker::csv {

struct FailedValue {
  size_t column = 0;
  std::string value;
};

// SQL functions for one statement (sql_function.h). After the Conversion is gone a call would touch nothing of the
// step's any more.
class Conversion {
 public:
  static constexpr uint64_t kNoReports = UINT64_MAX;
  // `columns` is how many columns may be converted; rows are reported to `step` every `report_rows`, up to `rows_max`.
  Conversion(StepContext& step, NumberFormat numbers, size_t columns, uint64_t report_rows, uint64_t rows_max);
  ~Conversion();
  // The size of the only file that the statement reads: then its bytes are reported too.
  void reads(uint64_t file_bytes);
  Conversion(const Conversion&) = delete;
  Conversion& operator=(const Conversion&) = delete;

  // SQL that turns the text `argument` into `kind` (argument itself for kText; kUnknown is read as integer).
  Result<std::string> expression(size_t column, Kind kind, const std::string& argument);
  // A predicate that is always true and counts rows; for statements that convert nothing.
  Result<std::string> counting_predicate(const std::string& argument);

  // The value that stopped the statement, if one did.
  std::optional<FailedValue> failed() const;
  // Whether a value that is not null went through this column.
  bool seen(size_t column) const;

  struct State;

 private:
  std::shared_ptr<State> state_;
  duckdb_connection connection_;
  std::string prefix_;
  bool counting_ = false;
};

}  // namespace osiris::worker::csv
