#include "worker/drivers/supabase.writer/json_rows.h"

#include "worker/driver_api/sql.h"

namespace osiris::worker::supabase {
namespace {

// JSON has numbers of 64 bits and texts; PostgreSQL reads any other type from its text, NaN and BC dates among them.
std::string value_sql(const ColumnType& type, const std::string& value, int depth = 0) {
  switch (type.id) {
    case DUCKDB_TYPE_BOOLEAN:
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_VARCHAR:
      return value;
    case DUCKDB_TYPE_BLOB:
      return "'\\x' || lower(hex(" + value + "))";
    case DUCKDB_TYPE_DATE:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      return "replace(CAST(" + value + " AS VARCHAR), ' (BC)', ' BC')";
    case DUCKDB_TYPE_LIST:
    case DUCKDB_TYPE_ARRAY: {
      const std::string item = "item" + std::to_string(depth);
      return "list_transform(" + value + ", lambda " + item + ": " + value_sql(type.children[0], item, depth + 1) + ")";
    }
    default:
      return "CAST(" + value + " AS VARCHAR)";
  }
}

}  // namespace

std::string json_rows_select(const std::string& source, const db::RelationColumns& columns) {
  std::string members;
  for (const db::RelationColumn& column : columns) {
    const std::string name = sql::quote_identifier(column.name);
    members += (members.empty() ? "" : ", ") + name + " := " + value_sql(column.type, name);
  }
  return "SELECT CAST(to_json(struct_pack(" + members + ")) AS VARCHAR) FROM " + source;
}

void RowTexts::add(duckdb_data_chunk chunk) {
  const auto* texts = static_cast<duckdb_string_t*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0)));
  const idx_t rows = duckdb_data_chunk_get_size(chunk);
  for (idx_t row = 0; row < rows; ++row) {
    duckdb_string_t text = texts[row];
    rows_.emplace_back(duckdb_string_t_data(&text), duckdb_string_t_length(text));
    bytes_ += rows_.back().size();
  }
}

}  // namespace osiris::worker::supabase
