#include "worker/drivers/mysql.extractor/columns.h"

#include <algorithm>
#include <optional>

#include "protocol/base/categories.h"
#include "worker/drivers/db/column_names.h"

namespace osiris::worker::mysql {
namespace {

constexpr unsigned kBinaryCharset = 63;
constexpr uint8_t kDigitsMax = 38;

Error mismatch(const std::string& what, const std::string& hint) {
  return Error(Code::kStepFailed, "MySQL query failed: " + what, hint, category::kExtractSchemaMismatch);
}

Result<Column> decimal(const MYSQL_FIELD& field, Column column) {
  // The display length counts the point and the sign.
  const unsigned long extra = (field.decimals > 0 ? 1u : 0u) + (field.flags & UNSIGNED_FLAG ? 0u : 1u);
  const unsigned long digits = field.length > extra ? field.length - extra : 1;
  if (field.decimals > kDigitsMax) {
    return mismatch("column '" + column.name + "' has " + std::to_string(field.decimals) +
                        " digits after the point, more than " + std::to_string(kDigitsMax),
                    "select CAST(" + column.name + " AS CHAR) or a narrower DECIMAL");
  }
  column.kind = Kind::kDecimal;
  // Wider columns are common (SUM of a BIGINT has 41 digits) and their values rarely are: each value is checked
  // instead.
  column.digits = static_cast<uint8_t>(std::min<unsigned long>(digits, kDigitsMax));
  column.scale = static_cast<uint8_t>(field.decimals);
  // One digit before the point, or DuckDB prints ".5".
  column.digits = std::max(column.digits, static_cast<uint8_t>(std::min<unsigned>(column.scale + 1u, kDigitsMax)));
  return column;
}

// nullopt: a type that this extractor does not know.
std::optional<Kind> kind_of(const MYSQL_FIELD& field) {
  switch (field.type) {
    case MYSQL_TYPE_TINY:
      return Kind::kInt8;
    case MYSQL_TYPE_YEAR:
    case MYSQL_TYPE_SHORT:
      return Kind::kInt16;
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
      return Kind::kInt32;
    case MYSQL_TYPE_LONGLONG:
      return Kind::kInt64;
    case MYSQL_TYPE_FLOAT:
      return Kind::kFloat;
    case MYSQL_TYPE_DOUBLE:
      return Kind::kDouble;
    case MYSQL_TYPE_DECIMAL:
    case MYSQL_TYPE_NEWDECIMAL:
      return Kind::kDecimal;
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_NEWDATE:
      return Kind::kDate;
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_DATETIME2:
    case MYSQL_TYPE_TIMESTAMP:
    case MYSQL_TYPE_TIMESTAMP2:
      return Kind::kDateTime;
    case MYSQL_TYPE_TIME:
    case MYSQL_TYPE_TIME2:
      return Kind::kTime;
    case MYSQL_TYPE_BIT:
    case MYSQL_TYPE_GEOMETRY:
      return Kind::kBytes;
    case MYSQL_TYPE_JSON:  // MySQL sends it with the binary character set, but it is utf8mb4
      return Kind::kText;
    case MYSQL_TYPE_VARCHAR:
    case MYSQL_TYPE_VAR_STRING:
    case MYSQL_TYPE_STRING:
    case MYSQL_TYPE_ENUM:
    case MYSQL_TYPE_SET:
    case MYSQL_TYPE_TINY_BLOB:
    case MYSQL_TYPE_MEDIUM_BLOB:
    case MYSQL_TYPE_LONG_BLOB:
    case MYSQL_TYPE_BLOB:
      return field.charsetnr == kBinaryCharset ? Kind::kBytes : Kind::kText;
    case MYSQL_TYPE_NULL:
      return Kind::kNull;
    default:
      return std::nullopt;
  }
}

Result<Column> column_of(const MYSQL_FIELD& field) {
  Column column;
  column.name.assign(field.name, field.name_length);
  column.is_unsigned = (field.flags & UNSIGNED_FLAG) != 0 && field.type != MYSQL_TYPE_YEAR;
  const std::optional<Kind> kind = kind_of(field);
  if (!kind)
    return mismatch("column '" + column.name + "' has a type this extractor does not know (" +
                        std::to_string(static_cast<int>(field.type)) + ")",
                    "select CAST(" + column.name + " AS CHAR)");
  column.kind = *kind;
  if (column.kind == Kind::kDecimal) return decimal(field, std::move(column));
  return column;
}

duckdb_type plain_type(Kind kind, bool is_unsigned) {
  switch (kind) {
    case Kind::kInt8:
      return is_unsigned ? DUCKDB_TYPE_UTINYINT : DUCKDB_TYPE_TINYINT;
    case Kind::kInt16:
      return is_unsigned ? DUCKDB_TYPE_USMALLINT : DUCKDB_TYPE_SMALLINT;
    case Kind::kInt32:
      return is_unsigned ? DUCKDB_TYPE_UINTEGER : DUCKDB_TYPE_INTEGER;
    case Kind::kInt64:
      return is_unsigned ? DUCKDB_TYPE_UBIGINT : DUCKDB_TYPE_BIGINT;
    case Kind::kFloat:
      return DUCKDB_TYPE_FLOAT;
    case Kind::kDouble:
      return DUCKDB_TYPE_DOUBLE;
    case Kind::kDate:
      return DUCKDB_TYPE_DATE;
    case Kind::kDateTime:
      return DUCKDB_TYPE_TIMESTAMP;
    case Kind::kTime:
      return DUCKDB_TYPE_INTERVAL;
    case Kind::kBytes:
      return DUCKDB_TYPE_BLOB;
    default:
      return DUCKDB_TYPE_VARCHAR;
  }
}

}  // namespace

ColumnType Column::type() const {
  if (kind != Kind::kDecimal) return ColumnType::plain(plain_type(kind, is_unsigned));
  ColumnType type = ColumnType::plain(DUCKDB_TYPE_DECIMAL);
  type.width = digits;
  type.scale = scale;
  return type;
}

db::RelationColumns Columns::relation() const {
  db::RelationColumns columns;
  for (const uint32_t index : kept) columns.push_back({received[index].name, received[index].type()});
  return columns;
}

Result<Columns> columns_of(const MYSQL_FIELD* fields, unsigned count, const std::vector<std::string>& wanted) {
  Columns columns;
  std::vector<std::string> names;
  for (unsigned i = 0; i < count; ++i) names.emplace_back(fields[i].name, fields[i].name_length);

  OSIRIS_ASSIGN(columns.kept, db::pick_columns("MySQL", names, wanted));
  for (unsigned i = 0; i < count; ++i) {
    const bool is_kept = std::find(columns.kept.begin(), columns.kept.end(), i) != columns.kept.end();
    auto column = column_of(fields[i]);
    if (!column.ok() && is_kept) return column.error();
    // Columns that are not read are stepped over, whatever they are: every unknown type is sent as length and bytes.
    columns.received.push_back(column.ok() ? *column : Column{names[i], Kind::kBytes, false, false, 0, 0});
    columns.received.back().is_kept = is_kept;
  }
  return columns;
}

}  // namespace osiris::worker::mysql
