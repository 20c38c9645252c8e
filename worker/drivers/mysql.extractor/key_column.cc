#include "worker/drivers/mysql.extractor/key_column.h"

#include <algorithm>
#include <vector>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/drivers/mysql/settings.h"

namespace osiris::worker::mysql {
namespace {

constexpr unsigned kBinaryCharset = 63;

Error refused(const std::string& what, std::string hint) {
  return Error(Code::kInvalidArgument, "MySQL query failed: split of foreach " + what, std::move(hint),
               category::kConfigInvalid);
}

}  // namespace

Result<KeyColumn> KeyColumn::of(const MYSQL_FIELD* fields, const Columns& columns, const std::string& name) {
  std::vector<std::string> names;
  for (const Column& column : columns.received) names.push_back(column.name);
  const auto found = std::find_if(names.begin(), names.end(),
                                  [&](const std::string& each) { return ascii_lower(each) == ascii_lower(name); });
  if (found == names.end()) {
    const auto near = nearest(name, names);
    return refused("names column '" + name + "', which is none of the result",
                   near ? "did you mean '" + *near + "'?" : "it has " + join(names, ", "));
  }
  const MYSQL_FIELD& field = fields[found - names.begin()];
  KeyColumn column;
  column.name_ = *found;
  const std::string quoted = quote_identifier(*found);
  column.key_ = quoted;
  column.text_ = "CAST(" + quoted + " AS CHAR)";
  // Sorted by their numbers, and compared with a text by their labels.
  const bool is_listed = (field.flags & (ENUM_FLAG | SET_FLAG)) != 0;
  if (is_listed || field.type == MYSQL_TYPE_BIT) {
    column.key_ = "(" + quoted + " + 0)";
    column.text_ = "CAST((" + quoted + " + 0) AS CHAR)";
    return column;
  }
  const auto temporal = [&](const char* type, bool is_date) {
    column.before_ = "CAST('";
    column.after_ = std::string("' AS ") + type + ")";
    column.is_date_ = is_date;
    return column;
  };
  switch (field.type) {
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
    case MYSQL_TYPE_YEAR:
    case MYSQL_TYPE_FLOAT:
    case MYSQL_TYPE_DOUBLE:
    case MYSQL_TYPE_DECIMAL:
    case MYSQL_TYPE_NEWDECIMAL:
      return column;
    case MYSQL_TYPE_DATE:
      return temporal("DATE", true);
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP:
      return temporal("DATETIME(6)", true);
    case MYSQL_TYPE_TIME:
      return temporal("TIME(6)", false);
    case MYSQL_TYPE_JSON:
    case MYSQL_TYPE_GEOMETRY:
      return refused("names column '" + *found + "', whose values have no order", "name a key, a number or a date");
    default:
      break;
  }
  // Bytes, whatever the session's character set and its view of backslashes.
  const bool is_binary = field.charsetnr == kBinaryCharset;
  column.text_ = is_binary ? "HEX(" + quoted + ")" : "HEX(CONVERT(" + quoted + " USING utf8mb4))";
  column.before_ = is_binary ? "X'" : "_utf8mb4 X'";
  column.after_ = "'";
  return column;
}

Status KeyColumn::check(const std::string& bound) const {
  // 2025-01-31: the server takes a month or a day of zero for NULL where it has to be one of the calendar.
  if (!is_date_ || (bound.size() >= 10 && bound.substr(5, 2) != "00" && bound.substr(8, 2) != "00")) return {};
  return refused("names column '" + name_ + "', which has the date '" + bound + "', and that is none of the calendar",
                 "name another column, or leave such rows out in the query");
}

}  // namespace osiris::worker::mysql
