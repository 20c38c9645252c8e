#include "worker/drivers/mysql.extractor/key_column.h"

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/drivers/mysql/settings.h"

namespace osiris::worker::mysql {
namespace {

Error refused(const std::string& name, const std::string& what, const std::string& hint) {
  return Error(Code::kStepFailed, "MySQL query failed: 'partition' names column '" + name + "', " + what, hint,
               category::kExtractQueryFailed);
}

std::string as_is(const std::string& text) { return text; }
std::string date_literal(const std::string& text) { return "CAST('" + text + "' AS DATE)"; }
std::string time_literal(const std::string& text) { return "CAST('" + text + "' AS DATETIME(6))"; }
// Of the connection's character set, and with the collation of the column that it is compared with.
std::string text_literal(const std::string& text) { return "_utf8mb4 X'" + to_hex(text) + "'"; }

// Null: values of the kind are not ordered as they are compared with a literal, or not written exactly.
std::string (*literal_of(Kind kind, const MYSQL_FIELD& field))(const std::string&) {
  if (field.flags & (ENUM_FLAG | SET_FLAG) || field.type == MYSQL_TYPE_JSON || field.type == MYSQL_TYPE_BIT)
    return nullptr;
  switch (kind) {
    case Kind::kInt8:
    case Kind::kInt16:
    case Kind::kInt32:
    case Kind::kInt64:
    case Kind::kDecimal:
      return as_is;
    case Kind::kDate:
      return date_literal;
    case Kind::kDateTime:
      return time_literal;
    case Kind::kText:
      return field.type == MYSQL_TYPE_NEWDECIMAL ? as_is : text_literal;
    default:
      return nullptr;
  }
}

}  // namespace

Result<db::KeyedRows> key_of(const std::string& name, const MYSQL_FIELD* fields, unsigned count,
                             const Columns& columns) {
  std::vector<std::string> names;
  for (unsigned i = 0; i < count && i < columns.received.size(); ++i) {
    const Column& column = columns.received[i];
    names.push_back(column.name);
    if (ascii_lower(column.name) != ascii_lower(name)) continue;
    const auto literal = literal_of(column.kind, fields[i]);
    if (!literal)
      return refused(name, "whose values do not divide rows exactly",
                     "name a column of integers, decimals, dates, times or texts: the primary key, for example");
    db::KeyedRows rows;
    rows.key = rows.text = quote_identifier(column.name);
    rows.literal = literal;
    return rows;
  }
  const auto near = nearest(name, names);
  return refused(name, "which is none of the result",
                 near ? "did you mean '" + *near + "'?" : "it has " + join(names, ", "));
}

}  // namespace osiris::worker::mysql
