#include "worker/drivers/mysql.extractor/key_column.h"

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/drivers/mysql/settings.h"

namespace osiris::worker::mysql {
namespace {

Error refused(const std::string& key, const std::string& name, const std::string& what, const std::string& hint) {
  return Error(Code::kStepFailed, "MySQL query failed: " + key + " names column '" + name + "', " + what, hint,
               category::kExtractQueryFailed);
}

std::string as_is(const std::string& text) { return text; }
std::string date_literal(const std::string& text) { return "CAST('" + text + "' AS DATE)"; }
std::string datetime_literal(const std::string& text) { return "CAST('" + text + "' AS DATETIME(6))"; }
std::string time_literal(const std::string& text) { return "CAST('" + text + "' AS TIME(6))"; }
std::string bytes_literal(const std::string& text) { return "X'" + text + "'"; }
// Of the connection's character set, and with the collation of the column that it is compared with.
std::string text_literal(const std::string& text) { return "_utf8mb4 X'" + to_hex(text) + "'"; }

// False: values of the kind have no order.
bool write_values(Kind kind, const MYSQL_FIELD& field, db::KeyedRows& rows) {
  const std::string name = rows.key;
  rows.text = "CAST(" + name + " AS CHAR)";
  rows.literal = as_is;
  if (field.type == MYSQL_TYPE_JSON || field.type == MYSQL_TYPE_GEOMETRY) return false;
  // Sorted by their numbers, and compared with a text by their labels.
  if ((field.flags & (ENUM_FLAG | SET_FLAG)) != 0 || field.type == MYSQL_TYPE_BIT) {
    rows.key = "(" + name + " + 0)";
    rows.text = "CAST(" + rows.key + " AS CHAR)";
    return true;
  }
  switch (kind) {
    case Kind::kFloat:  // with all digits
      rows.key = "(" + name + " + 0e0)";
      rows.text = "CAST(" + rows.key + " AS CHAR)";
      break;
    case Kind::kDate:
      rows.literal = date_literal;
      break;
    case Kind::kDateTime:
      rows.literal = datetime_literal;
      break;
    case Kind::kTime:
      rows.literal = time_literal;
      break;
    case Kind::kBytes:
      rows.text = "HEX(" + name + ")";
      rows.literal = bytes_literal;
      break;
    case Kind::kText:
      if (field.type == MYSQL_TYPE_NEWDECIMAL) break;
      rows.text = name;
      rows.literal = text_literal;
      break;
    default:
      break;
  }
  return true;
}

// 2025-01-31: the server takes a month or a day of zero for NULL where it has to be one of the calendar.
Status check_date(const std::string& key, const std::string& name, const std::string& text) {
  if (text.size() >= 10 && text.substr(5, 2) != "00" && text.substr(8, 2) != "00") return {};
  return refused(key, name, "which has the date '" + text + "', and that is none of the calendar",
                 "name another column, or leave such rows out in the query");
}

}  // namespace

Result<db::KeyedRows> key_of(const std::string& key, const std::string& name, const MYSQL_FIELD* fields, unsigned count,
                             const Columns& columns) {
  std::vector<std::string> names;
  for (unsigned i = 0; i < count && i < columns.received.size(); ++i) {
    const Column& column = columns.received[i];
    names.push_back(column.name);
    if (ascii_lower(column.name) != ascii_lower(name)) continue;
    db::KeyedRows rows;
    rows.key = quote_identifier(column.name);
    if (!write_values(column.kind, fields[i], rows))
      return refused(key, name, "whose values have no order",
                     "name a column of numbers, dates, times or texts: the primary key, for example");
    if (column.kind == Kind::kDate || column.kind == Kind::kDateTime)
      rows.check = [key, name](const std::string& text) { return check_date(key, name, text); };
    return rows;
  }
  const auto near = nearest(name, names);
  return refused(key, name, "which is none of the result",
                 near ? "did you mean '" + *near + "'?" : "it has " + join(names, ", "));
}

}  // namespace osiris::worker::mysql
