#include "worker/drivers/filesystem.csv_writer/columns.h"

#include <algorithm>

#include "protocol/base/text.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/csv/utc_offset.h"
#include "worker/drivers/filesystem.csv_writer/json_column.h"

namespace osiris::worker::csv_out {
namespace {

Column describe(const std::string& name, duckdb_logical_type type) {
  const std::string quoted = sql::quote_identifier(name);
  const auto as = [&](Form form, const std::string& expression) { return Column{name, form, expression}; };
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_BOOLEAN:
      return as(Form::kBoolean, quoted);
    case DUCKDB_TYPE_TINYINT:
      return as(Form::kInt8, quoted);
    case DUCKDB_TYPE_SMALLINT:
      return as(Form::kInt16, quoted);
    case DUCKDB_TYPE_INTEGER:
      return as(Form::kInt32, quoted);
    case DUCKDB_TYPE_BIGINT:
      return as(Form::kInt64, quoted);
    case DUCKDB_TYPE_UTINYINT:
      return as(Form::kUint8, quoted);
    case DUCKDB_TYPE_USMALLINT:
      return as(Form::kUint16, quoted);
    case DUCKDB_TYPE_UINTEGER:
      return as(Form::kUint32, quoted);
    case DUCKDB_TYPE_UBIGINT:
      return as(Form::kUint64, quoted);
    case DUCKDB_TYPE_FLOAT:
      return as(Form::kFloat, quoted);
    case DUCKDB_TYPE_DOUBLE:
      return as(Form::kDouble, quoted);
    case DUCKDB_TYPE_DECIMAL: {
      Column column = as(Form::kDecimal, quoted);
      column.width = duckdb_decimal_width(type);
      column.scale = duckdb_decimal_scale(type);
      return column;
    }
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT:
      return as(Form::kNumberText, "CAST(" + quoted + " AS VARCHAR)");
    case DUCKDB_TYPE_DATE:
      return as(Form::kDate, quoted);
    case DUCKDB_TYPE_TIMESTAMP:
      return as(Form::kTimestamp, quoted);
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
      return as(Form::kTimestamp, "CAST(" + quoted + " AS TIMESTAMP)");
    case DUCKDB_TYPE_TIMESTAMP_NS:
      return as(Form::kTimestampNs, quoted);
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      return as(Form::kTimestampTz, quoted);
    case DUCKDB_TYPE_TIME:
      return as(Form::kTime, quoted);
    case DUCKDB_TYPE_VARCHAR:
      return as(Form::kText, quoted);
    case DUCKDB_TYPE_BLOB:
      return as(Form::kText, "lower(hex(" + quoted + "))");
    case DUCKDB_TYPE_LIST:
    case DUCKDB_TYPE_ARRAY:
    case DUCKDB_TYPE_STRUCT:
    case DUCKDB_TYPE_MAP:
    case DUCKDB_TYPE_UNION:
      return as(Form::kJson, json_expression(quoted, type));
    default:
      return as(Form::kText, "CAST(" + quoted + " AS VARCHAR)");
  }
}

// Per timestamp column: is every row midnight, how many digits of a second does any row need. With a time zone each row
// is shown by itself.
Status examine_timestamps(duckdb_connection connection, const std::string& relation, std::vector<Column>& columns) {
  std::string select;
  std::vector<Column*> examined;
  for (Column& column : columns) {
    if (column.form != Form::kTimestamp && column.form != Form::kTimestampNs) continue;
    // In the column's own unit, a BIGINT: with 128 bits these remainders were half of a run's time.
    const bool in_nanos = column.form == Form::kTimestampNs;
    const std::string epoch = (in_nanos ? "epoch_ns(" : "epoch_us(") + column.expression + ")";
    const std::string finite = " FILTER (WHERE isfinite(" + column.expression + "))";
    const auto remainder = [&](int64_t nanos) {
      return epoch + " % " + std::to_string(in_nanos ? nanos : nanos / 1000);
    };
    select += (select.empty() ? "" : ", ") + ("bool_and(" + remainder(86'400'000'000'000) + " = 0)" + finite);
    for (const int64_t nanos : {1'000'000'000, 1'000'000, 1'000})
      select += ", bool_or(" + remainder(nanos) + " <> 0)" + finite;
    examined.push_back(&column);
  }
  if (examined.empty()) return {};
  OSIRIS_ASSIGN(sql::QueryResult result, sql::run_query(connection, "SELECT " + select + " FROM " + relation));
  for (size_t i = 0; i < examined.size(); ++i) {
    examined[i]->date_only = result.text(4 * i) == "true";
    for (size_t unit = 1; unit <= 3; ++unit)
      if (result.text(4 * i + unit) == "true") examined[i]->second_digits = static_cast<int>(3 * unit);
  }
  return {};
}

// By preparing a statement: it shall not run.
Result<std::vector<Column>> describe_all(duckdb_connection connection, const std::string& quoted_relation) {
  duckdb_prepared_statement head = nullptr;
  const std::string text = "SELECT * FROM " + quoted_relation;
  std::vector<Column> columns;
  Status prepared;
  if (duckdb_prepare(connection, text.c_str(), &head) == DuckDBError)
    prepared = sql::engine_error(DUCKDB_ERROR_INVALID, duckdb_prepare_error(head));
  for (idx_t i = 0; prepared.ok() && i < duckdb_prepared_statement_column_count(head); ++i) {
    duckdb_logical_type type = duckdb_prepared_statement_column_logical_type(head, i);
    const char* name = duckdb_prepared_statement_column_name(head, i);
    columns.push_back(describe(name, type));
    duckdb_free(const_cast<char*>(name));
    duckdb_destroy_logical_type(&type);
  }
  duckdb_destroy_prepare(&head);
  if (!prepared.ok()) return prepared.error();
  return columns;
}

// Only what `columns` names, in its order.
Result<std::vector<Column>> choose(const std::vector<Column>& columns, const std::vector<std::string>& wanted) {
  std::vector<Column> chosen;
  for (const std::string& name : wanted) {
    const auto at = std::find_if(columns.begin(), columns.end(), [&](const Column& c) { return c.name == name; });
    if (at == columns.end()) {
      std::vector<std::string> names;
      for (const Column& column : columns) names.push_back(column.name);
      const auto near = nearest(name, names);
      return Error(Code::kInvalidArgument, "'columns' names column '" + name + "', which the input does not have",
                   (near ? "did you mean '" + *near + "'? " : std::string()) + "columns: " + join(names, ", "));
    }
    chosen.push_back(*at);
  }
  return chosen;
}

// What the step that read the column knows of it and its type does not hold.
Status take_offsets(duckdb_connection connection, const std::string& relation, std::vector<Column>& columns) {
  const auto has_zone = [](const Column& column) { return column.form == Form::kTimestampTz; };
  if (std::none_of(columns.begin(), columns.end(), has_zone)) return {};
  OSIRIS_ASSIGN(sql::QueryResult comments,
                sql::run_query(connection,
                               "SELECT column_name, comment FROM duckdb_columns() WHERE comment IS NOT NULL AND "
                               "database_name = 'temp' AND table_name = " +
                                   sql::quote_literal(relation)));
  for (idx_t row = 0; row < comments.rows(); ++row) {
    const auto offset = csv_format::utc_offset_of(comments.text(1, row));
    const auto at = std::find_if(columns.begin(), columns.end(),
                                 [name = comments.text(0, row)](const Column& column) { return column.name == name; });
    if (offset && at != columns.end() && has_zone(*at)) at->offset_minutes = *offset;
  }
  return {};
}

}  // namespace

Result<std::vector<Column>> examine_columns(duckdb_connection connection, const Input& input, const Options& options) {
  const std::string quoted = sql::quote_identifier(input.name);
  OSIRIS_ASSIGN(std::vector<Column> columns, describe_all(connection, quoted));
  if (!options.columns.empty()) {
    OSIRIS_ASSIGN(columns, choose(columns, options.columns));
  } else if (options.column_order == ColumnOrder::kName) {
    // Bytes of UTF-8 sort as their code points do.
    std::sort(columns.begin(), columns.end(), [](const Column& a, const Column& b) { return a.name < b.name; });
  }
  if (input.is_streamed) return columns;
  OSIRIS_TRY(examine_timestamps(connection, quoted, columns));
  OSIRIS_TRY(take_offsets(connection, input.name, columns));
  return columns;
}

Status check_columns(duckdb_connection connection, const std::string& relation, const Options& options) {
  OSIRIS_ASSIGN(const std::vector<Column> columns, describe_all(connection, sql::quote_identifier(relation)));
  const auto chosen = choose(columns, options.columns);
  return chosen.ok() ? Status() : Status(chosen.error());
}

std::vector<WrittenColumn> written_columns(const std::vector<Column>& columns) {
  std::vector<WrittenColumn> written;
  for (const Column& column : columns) {
    const bool is_plain = column.expression == sql::quote_identifier(column.name);
    written.push_back({column.name, is_plain ? std::string() : column.expression});
  }
  return written;
}

}  // namespace osiris::worker::csv_out
