// How each column of the input is fetched and shown: types this driver formats itself arrive as they are, the rest
// arrive as text made by DuckDB (128-bit integers exact, nested values as JSON, blobs as hex).
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "worker/driver_api/batch_writer.h"
#include "worker/drivers/filesystem.csv_writer/options.h"

namespace osiris::worker::csv_out {

enum class Form {
  kBoolean,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kFloat,
  kDouble,
  kDecimal,
  kNumberText,  // digits made by DuckDB: never needs quotes under `nonnumeric`
  kDate,
  kTimestamp,
  kTimestampNs,
  kTimestampTz,
  kTime,
  kText,
  kJson,  // text made by DuckDB
};

struct Column {
  std::string name;
  Form form = Form::kText;
  std::string expression;  // what to SELECT
  uint8_t width = 0;       // digits of a decimal,
  uint8_t scale = 0;       // and those of them after the point
  bool date_only = false;  // a timestamp column that is midnight in every row
  int second_digits = 0;   // 0, 3, 6 or 9, the same in every row of a timestamp column without time zone
  int offset_minutes = 0;  // from UTC, in which a column with time zone is shown
};

inline bool is_number(Form form) { return form <= Form::kNumberText; }

// The columns of the input that the step wants, in its order; by name means in code point order. Looks through
// timestamp columns once, because how one row is shown depends on all of them; of a stream TimestampForms finds it out.
Result<std::vector<Column>> examine_columns(duckdb_connection connection, const Input& input, const Options& options);

// Whether the relation has the columns that `columns` names.
Status check_columns(duckdb_connection connection, const std::string& relation, const Options& options);

// For write_rows().
std::vector<WrittenColumn> written_columns(const std::vector<Column>& columns);

}  // namespace osiris::worker::csv_out
