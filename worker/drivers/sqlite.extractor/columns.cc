#include "worker/drivers/sqlite.extractor/columns.h"

#include <set>

#include "protocol/base/text.h"

namespace osiris::worker::sqlite_in {
namespace {

Type declared_type(const std::string& declared) {
  const std::string text = ascii_lower(declared);
  const auto has = [&](const char* word) { return text.find(word) != std::string::npos; };
  if (has("bool")) return Type::kBoolean;
  if (has("int")) return Type::kBigint;
  if (has("char") || has("clob") || has("text")) return Type::kText;
  if (has("blob")) return Type::kBlob;
  if (has("real") || has("floa") || has("doub")) return Type::kDouble;
  return Type::kUnknown;
}

}  // namespace

std::string_view type_name(Type type) {
  switch (type) {
    case Type::kBigint:
      return "BIGINT";
    case Type::kDouble:
      return "DOUBLE";
    case Type::kBoolean:
      return "BOOLEAN";
    case Type::kBlob:
      return "BLOB";
    default:
      return "VARCHAR";  // also of a column without a single value
  }
}

Type type_named(std::string_view name) {
  for (const Type type : {Type::kBigint, Type::kDouble, Type::kBoolean, Type::kBlob})
    if (name == type_name(type)) return type;
  return Type::kText;
}

std::vector<Column> columns_of(sqlite3_stmt* statement) {
  std::vector<Column> columns;
  std::set<std::string> taken;
  for (int i = 0; i < sqlite3_column_count(statement); ++i) {
    const char *name = sqlite3_column_name(statement, i), *declared = sqlite3_column_decltype(statement, i);
    Column column{name && *name ? name : "column" + std::to_string(i), declared ? declared : "", Type::kUnknown, false};
    const std::string wanted = column.name;
    for (int n = 1; !taken.insert(ascii_lower(column.name)).second; ++n) column.name = wanted + "_" + std::to_string(n);
    column.type = declared_type(column.declared);
    column.is_by_values = column.type == Type::kUnknown;
    columns.push_back(std::move(column));
  }
  return columns;
}

bool take_value(Column& column, sqlite3_value* value) {
  Type type = Type::kUnknown;
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      type = Type::kBigint;
      break;
    case SQLITE_FLOAT:
      type = Type::kDouble;
      break;
    case SQLITE_TEXT:
      type = Type::kText;
      break;
    case SQLITE_BLOB:
      type = Type::kBlob;
      break;
    default:
      return true;
  }
  if (column.type == Type::kUnknown) column.type = type;
  // A whole number among others is one of them; relation.cc refuses what DOUBLE would round.
  const bool are_numbers = (type == Type::kBigint || type == Type::kDouble) &&
                           (column.type == Type::kBigint || column.type == Type::kDouble);
  if (are_numbers && type == Type::kDouble) column.type = Type::kDouble;
  return are_numbers || column.type == type;
}

}  // namespace osiris::worker::sqlite_in
