#include "worker/drivers/filesystem.csv_extractor/date_columns.h"

#include <optional>

#include "protocol/base/categories.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/csv/utc_offset.h"
#include "worker/drivers/filesystem.csv_extractor/date_column.h"

namespace osiris::worker::csv {
namespace {

// What `dtype` asks for; nullopt where the values decide.
std::optional<DateType> declared_type(const Column& column) {
  if (!column.forced || column.forced->dates == Dates::kNanoseconds) return std::nullopt;
  return column.forced->dates == Dates::kInstants ? DateType::kTimestampTz : DateType::kTimestamp;
}

// The writer shows the column with the offset its text had.
Status keep_offset(StepContext& step, const std::string& quoted_column, int minutes) {
  return sql::execute(step.connection_handle(), "COMMENT ON COLUMN " + step.output_table().quoted() + "." +
                                                    quoted_column + " IS " +
                                                    sql::quote_literal(csv_format::utc_offset_comment(minutes)));
}

Status convert_column(StepContext& step, const Column& column) {
  const std::string name = sql::quote_identifier(column.name);
  if (const auto declared = declared_type(column)) return convert_dates(step, name, *declared);
  OSIRIS_ASSIGN(const DateSummary summary, summarize_dates(step, name));
  if (!column.is_date && summary.dates() == 0) return {};
  const DateType type = summary.type();
  if (type == DateType::kText) {
    const std::string what = "column '" + column.name + "': " + summary.why_text();
    if (column.forced)
      return Error(Code::kStepFailed, "CSV parsing failed: " + what,
                   "change the column's `dtype`, or add the word to `na_values`", category::kExtractSchemaMismatch);
    // Of a column that the step does not name, only that it is all dates and stays text all the same.
    if (column.is_date || summary.dates() == summary.values())
      step.log("parse_dates: " + what + "; the column stays text");
    return {};
  }
  OSIRIS_TRY(convert_dates(step, name, type));
  return type == DateType::kTimestampTz ? keep_offset(step, name, summary.offset_minutes()) : Status();
}

}  // namespace

Status convert_date_columns(StepContext& step, const Options& options, const Layout& layout) {
  OSIRIS_ASSIGN(sql::QueryResult types,
                sql::run_query(step.connection_handle(), "SELECT * FROM " + step.output_table().quoted() + " LIMIT 0"));
  for (size_t i = 0; i < layout.columns.size(); ++i) {
    const Column& column = layout.columns[i];
    const bool is_text = duckdb_column_type(types.get(), i) == DUCKDB_TYPE_VARCHAR;
    if (is_text && (column.is_date || (options.parse_all_dates && !column.forced)))
      OSIRIS_TRY(convert_column(step, column));
  }
  return {};
}

}  // namespace osiris::worker::csv
