#include "worker/drivers/preview/texts.h"

#include <algorithm>

#include "protocol/base/file.h"

namespace osiris::worker::preview {

using sql::quote_identifier;

bool Column::has_range() const {
  static constexpr std::string_view kOrdered[] = {
      "TINYINT",  "SMALLINT", "INTEGER",  "BIGINT",  "HUGEINT", "UTINYINT", "USMALLINT",
      "UINTEGER", "UBIGINT",  "UHUGEINT", "FLOAT",   "DOUBLE",  "DECIMAL",  "BIGNUM",
      "VARCHAR",  "DATE",     "INTERVAL", "BOOLEAN", "UUID",    "TIME",     "TIMESTAMP"};
  if (type.ends_with("]")) return false;
  return std::any_of(std::begin(kOrdered), std::end(kOrdered), [&](std::string_view word) {
    if (!std::string_view(type).starts_with(word)) return false;
    const char next = type.size() > word.size() ? type[word.size()] : '\0';
    return next == '\0' || next == '(' || next == ' ' || next == '_';  // DECIMAL(9,2), TIME WITH TIME ZONE, TIME_NS
  });
}

Result<std::vector<Column>> columns_of(duckdb_connection connection, const std::string& input) {
  OSIRIS_ASSIGN(auto rows, sql::run_query(connection, "DESCRIBE SELECT * FROM " + quote_identifier(input)));
  std::vector<Column> columns;
  for (idx_t row = 0; row < rows.rows(); ++row) columns.push_back({rows.text(0, row), rows.text(1, row)});
  return columns;
}

std::string text_of(const std::string& expression) {
  const std::string text = "CAST(" + expression + " AS VARCHAR)", most = std::to_string(kCellCharactersMax);
  return "CASE WHEN length(" + text + ") > " + most + " THEN left(" + text + ", " + most + ") || '…' ELSE " + text +
         " END";
}

Result<Json> texts(duckdb_connection connection, const std::string& select) {
  OSIRIS_ASSIGN(auto result, sql::run_query(connection, select));
  const idx_t columns = duckdb_column_count(result.get());
  Json rows = Json::array();
  for (idx_t row = 0; row < result.rows(); ++row) {
    Json values = Json::array();
    for (idx_t column = 0; column < columns; ++column) {
      if (duckdb_value_is_null(result.get(), column, row)) {
        values.push_back(Json());
        continue;
      }
      const duckdb_string value = duckdb_value_string(result.get(), column, row);
      values.push_back(Json(std::string(value.data ? value.data : "", value.size)));
      duckdb_free(value.data);
    }
    rows.push_back(std::move(values));
  }
  return rows;
}

uint64_t rows_wanted(const StepContext& step) { return std::min(step.config()["rows"].as_uint(), kRowsMax); }

Status write_document(StepContext& step, const Json& document) {
  const std::string& path = step.config()["path"].as_string();
  const OutputFile file{path, step.output_file(path).absolute};
  OSIRIS_TRY(write_file_atomically(file.target, document.dump() + "\n"));
  return step.add_output(file, 1);
}

}  // namespace osiris::worker::preview
