#include "worker/drivers/filesystem.csv_extractor/date_columns.h"

#include "worker/driver_api/sql.h"

namespace osiris::worker::csv {
namespace {

std::string as_timestamp(const std::string& column) {
  return "coalesce(CASE WHEN regexp_full_match(" + column + ", '\\s*\\d{4}-\\d{1,2}-\\d{1,2}.*') THEN TRY_CAST(" +
         column + " AS TIMESTAMP) END, try_strptime(" + column +
         ", ['%m/%d/%Y', '%m/%d/%Y %H:%M', '%m/%d/%Y %H:%M:%S', '%Y/%m/%d', '%Y/%m/%d %H:%M:%S', '%Y%m%d']))";
}

struct Findings {
  int64_t values = 0, others = 0;
  std::string example;  // of the others
};

Result<Findings> examine(StepContext& step, const std::string& column) {
  OSIRIS_ASSIGN(sql::QueryResult result,
                sql::run_query(step.connection_handle(),
                               "SELECT count(x), count(x) FILTER (WHERE t IS NULL), min(x) FILTER (WHERE t IS NULL) "
                               "FROM (SELECT " +
                                   column + " AS x, " + as_timestamp(column) + " AS t FROM " +
                                   step.output_table().quoted() + ")"));
  return Findings{result.integer(0), result.integer(1), result.text(2)};
}

}  // namespace

Status convert_date_columns(StepContext& step, const Options& options, const Layout& layout) {
  OSIRIS_ASSIGN(sql::QueryResult types,
                sql::run_query(step.connection_handle(), "SELECT * FROM " + step.output_table().quoted() + " LIMIT 0"));
  for (size_t i = 0; i < layout.columns.size(); ++i) {
    const Column& column = layout.columns[i];
    const bool is_text = duckdb_column_type(types.get(), i) == DUCKDB_TYPE_VARCHAR;
    if (!is_text || (!column.is_date && (!options.parse_all_dates || column.forced))) continue;
    const std::string name = sql::quote_identifier(column.name);
    OSIRIS_ASSIGN(const Findings found, examine(step, name));
    if (!column.is_date && found.values == 0) continue;
    if (found.others > 0) {
      const std::string what = "column '" + column.name + "': '" + found.example.substr(0, 100) + "' is not a date";
      if (column.forced)
        return Error(Code::kStepFailed, "CSV parsing failed: " + what,
                     "change the column's `dtype`, or add the word to `na_values`");
      if (column.is_date) step.log("parse_dates: " + what + "; the column stays text");
      continue;
    }
    OSIRIS_TRY(sql::execute(step.connection_handle(), "ALTER TABLE " + step.output_table().quoted() + " ALTER COLUMN " +
                                                          name + " TYPE TIMESTAMP USING " + as_timestamp(name)));
  }
  return {};
}

}  // namespace osiris::worker::csv
