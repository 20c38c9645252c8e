#include "worker/drivers/mysql.extractor/incremental_filter.h"

#include <algorithm>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/drivers/mysql/settings.h"

namespace osiris::worker::mysql {
namespace {

Error unusable(const std::string& what, const std::string& hint) {
  return Error(Code::kInvalidArgument, what, hint, category::kConfigInvalid);
}

// X'616263': bytes, whatever the session's character set and its view of backslashes.
std::string hex_literal(const std::string& text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string literal = "X'";
  for (const unsigned char byte : text) {
    literal += kDigits[byte >> 4];
    literal += kDigits[byte & 15];
  }
  return literal + "'";
}

// Text is compared by its bytes, whatever the column's collation: the engine finds the greatest value that way.
std::string since(CursorKind kind, const std::string& name, const std::string& least) {
  switch (kind) {
    case CursorKind::kText:
      return "CAST(CONVERT(" + name + " USING utf8mb4) AS BINARY) >= " + hex_literal(least);
    case CursorKind::kInteger:
    case CursorKind::kDecimal:
      return name + " >= " + least;
    case CursorKind::kDate:
      return name + " >= CAST('" + least + "' AS DATE)";
    default:
      return name + " >= CAST('" + least + "' AS DATETIME(6))";
  }
}

}  // namespace

Result<std::string> incremental_filter(const Incremental& incremental, const MYSQL_FIELD* fields,
                                       const Columns& columns) {
  std::vector<std::string> names;
  const Column* column = nullptr;
  const MYSQL_FIELD* field = nullptr;
  for (const uint32_t index : columns.kept) {
    names.push_back(columns.received[index].name);
    if (ascii_lower(names.back()) != ascii_lower(incremental.column())) continue;
    column = &columns.received[index];
    field = &fields[index];
  }
  if (!column)
    return unusable("the rows have no column '" + incremental.column() + "', which 'column' of incremental names",
                    "their columns are " + join(names, ", "));
  const bool is_number_as_text = field->type == MYSQL_TYPE_NEWDECIMAL && column->kind != Kind::kDecimal;
  if (is_number_as_text || field->type == MYSQL_TYPE_JSON || (field->flags & (ENUM_FLAG | SET_FLAG)))
    return unusable("column '" + column->name + "' is read as text, and is none: incremental has no order for it",
                    "cast it in the query");
  OSIRIS_ASSIGN(const CursorKind kind, incremental.kind_of(column->type()));
  OSIRIS_ASSIGN(const auto least, incremental.least(column->type()));
  const std::string name = quote_identifier(column->name);
  if (!least) return incremental.skips_nulls() ? name + " IS NOT NULL" : std::string();
  const std::string condition = since(kind, name, *least);
  return incremental.skips_nulls() ? condition : "(" + condition + " OR " + name + " IS NULL)";
}

std::string without_end(const std::vector<Token>& tokens, const std::string& sql) {
  size_t count = tokens.size();
  while (count > 0 && tokens[count - 1].is_symbol(';')) --count;
  if (count == tokens.size()) return sql;
  return sql.substr(0, static_cast<size_t>(tokens[count].text.data() - sql.data()));
}

}  // namespace osiris::worker::mysql
