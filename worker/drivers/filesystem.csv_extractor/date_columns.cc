#include "worker/drivers/filesystem.csv_extractor/date_columns.h"

#include <optional>

#include "protocol/base/categories.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/csv/utc_offset.h"
#include "worker/drivers/filesystem.csv_extractor/date_column.h"
#include "worker/drivers/filesystem.csv_extractor/settled_types.h"

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

Error no_date(const Column& column, const std::string& why) {
  return Error(Code::kStepFailed, "CSV parsing failed: column '" + column.name + "': " + why,
               "change the column's `dtype`, or add the word to `na_values`", category::kExtractSchemaMismatch);
}

// By the values of all shards.
Status convert_settled(StepContext& step, const Column& column, const SettledColumn& settled) {
  const DateType type = date_type_named(settled.dates);
  const std::string name = sql::quote_identifier(column.name);
  if (type == DateType::kText) return column.forced ? Status(no_date(column, settled.why_text)) : Status();
  OSIRIS_TRY(convert_dates(step, name, type));
  return type == DateType::kTimestampTz ? keep_offset(step, name, settled.offset_minutes) : Status();
}

// Whether a shard's own dates go with those that were settled by the first records of all. Text stays text, whatever
// comes.
bool goes_with(const DateSummary& summary, const SettledColumn& settled) {
  const DateType type = date_type_named(settled.dates);
  if (summary.values() == 0 || (type == DateType::kText && !settled.dates.empty())) return true;
  return type == summary.type() &&
         (type != DateType::kTimestampTz || summary.offset_minutes() == settled.offset_minutes);
}

Status convert_column(StepContext& step, const Options& options, const Column& column) {
  const std::string name = sql::quote_identifier(column.name);
  if (const auto declared = declared_type(column)) return convert_dates(step, name, *declared);
  const SettledColumn* settled = options.settled_column(column.name);
  if (settled && options.is_settled_by_all && !settled->dates.empty()) return convert_settled(step, column, *settled);
  OSIRIS_ASSIGN(const DateSummary summary, summarize_dates(step, name));
  if (settled && !options.is_settled_by_all) {
    if (!goes_with(summary, *settled)) return unsettled(column.name);
    if (!settled->dates.empty()) return convert_settled(step, column, *settled);
  }
  if (!column.is_date && summary.dates() == 0) return {};
  const DateType type = summary.type();
  if (type == DateType::kText) {
    const std::string what = "column '" + column.name + "': " + summary.why_text();
    if (column.forced) return no_date(column, summary.why_text());
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
      OSIRIS_TRY(convert_column(step, options, column));
  }
  return {};
}

}  // namespace osiris::worker::csv
