#include "worker/drivers/filesystem.csv_writer/columns.h"

#include <algorithm>

#include "worker/driver_api/sql.h"

namespace osiris::worker::csv_out {
namespace {

Column describe(const std::string& name, duckdb_type type) {
  const std::string quoted = sql::quote_identifier(name);
  const auto as = [&](Form form, const std::string& expression) { return Column{name, form, expression, false, 0}; };
  switch (type) {
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
    case DUCKDB_TYPE_DECIMAL:
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
      return as(Form::kText, "CAST(to_json(" + quoted + ") AS VARCHAR)");
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

}  // namespace

Result<std::vector<Column>> examine_columns(duckdb_connection connection, const std::string& relation) {
  OSIRIS_ASSIGN(sql::QueryResult head, sql::run_query(connection, "SELECT * FROM " + relation + " LIMIT 0"));
  std::vector<Column> columns;
  for (idx_t i = 0; i < duckdb_column_count(head.get()); ++i)
    columns.push_back(describe(duckdb_column_name(head.get(), i), duckdb_column_type(head.get(), i)));
  // Bytes of UTF-8 sort as their code points do.
  std::sort(columns.begin(), columns.end(), [](const Column& a, const Column& b) { return a.name < b.name; });
  OSIRIS_TRY(examine_timestamps(connection, relation, columns));
  return columns;
}

std::string select_statement(const std::vector<Column>& columns, const std::string& relation) {
  std::string select;
  for (const Column& column : columns) select += (select.empty() ? "" : ", ") + column.expression;
  return "SELECT " + select + " FROM " + relation;
}

}  // namespace osiris::worker::csv_out
