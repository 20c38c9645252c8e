#include "worker/drivers/postgres.extractor/columns.h"

#include <algorithm>
#include <map>
#include <optional>

#include "worker/drivers/db/column_names.h"
#include "worker/drivers/postgres.extractor/raw_rows.h"
#include "worker/drivers/postgres/types.h"

namespace osiris::worker::postgres {
namespace {

constexpr int kDigitsMax = 38;

// nullopt: no type of ours holds it, or it is not built in.
std::optional<Kind> kind_of(Oid type) {
  switch (type) {
    case kBoolOid:
      return Kind::kBool;
    case kInt2Oid:
      return Kind::kInt16;
    case kInt4Oid:
      return Kind::kInt32;
    case kInt8Oid:
      return Kind::kInt64;
    case kOidOid:
      return Kind::kOid;
    case kFloat4Oid:
      return Kind::kFloat;
    case kFloat8Oid:
      return Kind::kDouble;
    case kNumericOid:
      return Kind::kNumeric;
    case kTextOid:
    case kVarcharOid:
    case kBpcharOid:
    case kNameOid:
    case kXmlOid:
      return Kind::kText;
    case kJsonOid:
      return Kind::kJson;
    case kJsonbOid:
      return Kind::kJsonb;
    case kByteaOid:
      return Kind::kBytes;
    case kUuidOid:
      return Kind::kUuid;
    case kDateOid:
      return Kind::kDate;
    case kTimestampOid:
      return Kind::kTimestamp;
    case kTimestampTzOid:
      return Kind::kTimestampTz;
    case kTimeOid:
      return Kind::kTime;
    case kTimeTzOid:
      return Kind::kTimeTz;
    case kIntervalOid:
      return Kind::kInterval;
    case kBitOid:
    case kVarbitOid:
      return Kind::kBits;
    default:
      return std::nullopt;
  }
}

// What pg_type says of a type that is not built in.
struct Unknown {
  bool is_enum = false;
  bool is_list = false;
  bool is_enum_list = false;
};

void set_text(Column& column) {
  column.kind = Kind::kText;
  column.is_cast = true;
  column.sent = {column.is_list ? array_of_item(kTextOid) : kTextOid, -1};
}

// A numeric of declared digits is a decimal where DuckDB has one so wide; otherwise as the step says.
void set_numeric(Column& column, int modifier, const UnboundedNumeric& unbounded) {
  int digits = 0, scale = 0;
  if (modifier >= kModifierBase) {
    digits = ((modifier - kModifierBase) >> 16) & 0xffff;
    scale = (((modifier - kModifierBase) & 0x7ff) ^ 1024) - 1024;
    if (scale < 0) digits -= scale, scale = 0;  // numeric(3,-2) holds 99900
    digits = std::max(digits, scale);           // numeric(3,5) holds 0.00999
    if (digits <= kDigitsMax) {
      // One digit before the point, or DuckDB prints ".5".
      column.digits = static_cast<uint8_t>(std::min(std::max(digits, scale + 1), kDigitsMax));
      column.scale = static_cast<uint8_t>(scale);
      return;
    }
  }
  if (unbounded.is_text) return set_text(column);
  column.sent.type = InvalidOid;  // the server does not see to it that they fit
  column.digits = unbounded.digits;
  column.scale = unbounded.scale;
}

Column column_of(const Answer& description, size_t index, const std::map<Oid, Unknown>& unknown,
                 const UnboundedNumeric& numeric) {
  const int at = static_cast<int>(index);
  Column column;
  column.name = PQfname(description.get(), at);
  const Oid type = PQftype(description.get(), at);
  const Oid item = item_of_array(type);
  column.is_list = item != InvalidOid;
  if (const auto kind = kind_of(column.is_list ? item : type)) {
    column.kind = *kind;
    column.sent = {type, PQfmod(description.get(), at)};
    if (*kind == Kind::kNumeric) set_numeric(column, PQfmod(description.get(), at), numeric);
    return column;
  }
  const auto found = unknown.find(type);
  const Unknown what = found == unknown.end() ? Unknown() : found->second;
  column.is_list = what.is_list;
  // Labels of an enum are sent as they are.
  if (!what.is_enum && !what.is_enum_list) set_text(column);
  if (what.is_enum) column.sent.type = kTextOid;
  return column;
}

Result<std::map<Oid, Unknown>> look_up(Connection& connection, const Answer& description) {
  std::string oids;
  for (size_t i = 0; i < description.columns(); ++i) {
    const Oid type = PQftype(description.get(), static_cast<int>(i));
    const Oid item = item_of_array(type);
    if (!kind_of(item != InvalidOid ? item : type)) oids += (oids.empty() ? "" : ",") + std::to_string(type);
  }
  std::map<Oid, Unknown> unknown;
  if (oids.empty()) return unknown;
  OSIRIS_ASSIGN(
      const Answer types,
      connection.ask("SELECT t.oid, t.typtype, t.typcategory = 'A' AND t.typelem <> 0, coalesce(i.typtype, '-') "
                     "FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_type i ON i.oid = t.typelem "
                     "WHERE t.oid IN (" +
                     oids + ")"));
  for (size_t row = 0; row < types.rows(); ++row) {
    const bool is_list = types.text(row, 2) == "t";
    unknown[static_cast<Oid>(std::stoul(types.text(row, 0)))] = {types.text(row, 1) == "e", is_list,
                                                                 is_list && types.text(row, 3) == "e"};
  }
  return unknown;
}

duckdb_type plain_type(Kind kind) {
  switch (kind) {
    case Kind::kBool:
      return DUCKDB_TYPE_BOOLEAN;
    case Kind::kInt16:
      return DUCKDB_TYPE_SMALLINT;
    case Kind::kInt32:
      return DUCKDB_TYPE_INTEGER;
    case Kind::kInt64:
      return DUCKDB_TYPE_BIGINT;
    case Kind::kOid:
      return DUCKDB_TYPE_UINTEGER;
    case Kind::kFloat:
      return DUCKDB_TYPE_FLOAT;
    case Kind::kDouble:
      return DUCKDB_TYPE_DOUBLE;
    case Kind::kNumeric:
      return DUCKDB_TYPE_DECIMAL;
    case Kind::kBytes:
      return DUCKDB_TYPE_BLOB;
    case Kind::kUuid:
      return DUCKDB_TYPE_UUID;
    case Kind::kDate:
      return DUCKDB_TYPE_DATE;
    case Kind::kTimestamp:
      return DUCKDB_TYPE_TIMESTAMP;
    case Kind::kTimestampTz:
      return DUCKDB_TYPE_TIMESTAMP_TZ;
    case Kind::kTime:
      return DUCKDB_TYPE_TIME;
    case Kind::kTimeTz:
      return DUCKDB_TYPE_TIME_TZ;
    case Kind::kInterval:
      return DUCKDB_TYPE_INTERVAL;
    case Kind::kBits:
      return DUCKDB_TYPE_BIT;
    case Kind::kText:
    case Kind::kJson:
    case Kind::kJsonb:
      break;
  }
  return DUCKDB_TYPE_VARCHAR;
}

}  // namespace

ColumnType Column::type() const {
  ColumnType item = ColumnType::plain(plain_type(kind));
  if (kind == Kind::kNumeric) item.width = digits, item.scale = scale;
  if (kind == Kind::kJson || kind == Kind::kJsonb) item.alias = "JSON";
  if (!is_list) return item;
  ColumnType list = ColumnType::plain(DUCKDB_TYPE_LIST);
  list.children.push_back(std::move(item));
  return list;
}

db::RelationColumns Columns::relation() const {
  db::RelationColumns columns;
  for (const Column& column : kept) columns.push_back({column.name, column.type()});
  return columns;
}

std::unique_ptr<CopyForm> Columns::form() const {
  auto form = std::make_unique<CopyForm>();
  for (const Column& column : kept) form->columns.push_back(is_looked_through(column) ? column.sent : SentColumn());
  return form;
}

Result<Columns> columns_of(Connection& connection, const Answer& description, const ExtractSettings& settings) {
  Columns columns;
  columns.count = description.columns();
  std::vector<std::string> names;
  for (size_t i = 0; i < columns.count; ++i) names.emplace_back(PQfname(description.get(), static_cast<int>(i)));
  OSIRIS_ASSIGN(columns.places, db::pick_columns("PostgreSQL", names, settings.columns));
  OSIRIS_ASSIGN(const auto unknown, look_up(connection, description));
  for (const uint32_t place : columns.places)
    columns.kept.push_back(column_of(description, place, unknown, settings.numeric));
  return columns;
}

}  // namespace osiris::worker::postgres
