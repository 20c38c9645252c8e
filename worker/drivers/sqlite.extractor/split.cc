#include "worker/drivers/sqlite.extractor/split.h"

#include "protocol/base/text.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/files/columns.h"

namespace osiris::worker::sqlite_in {
namespace {

Result<std::string> key_of(const std::vector<Column>& columns, const std::string& name) {
  std::vector<std::string> names;
  for (const Column& column : columns) {
    names.push_back(column.name);
    if (ascii_lower(column.name) == ascii_lower(name)) return sql::quote_identifier(column.name);
  }
  return files::no_such_column("split.column", name, names);
}

std::string as_rows(const std::string& select) { return "(\n" + select + "\n)"; }

std::string text_at(Statement& statement, int column) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement.handle(), column));
  return text ? text : "";
}

}  // namespace

// A bound is a literal already: quote() keeps its type, which a column of SQLite's has by value.
Result<Json> ask_for_bounds(Database& database, const std::string& select, const std::vector<Column>& columns,
                            const db::KeySplit& split) {
  OSIRIS_ASSIGN(const std::string key, key_of(columns, split.column));
  const db::KeySql sql{as_rows(select), key, "quote(" + key + ")"};
  Statement count(database);
  OSIRIS_TRY(count.prepare(db::count_statement(sql)));
  OSIRIS_TRY(count.step());
  const auto rows = static_cast<uint64_t>(sqlite3_column_int64(count.handle(), 0));
  const std::vector<uint64_t> places = db::places_of_bounds(rows, split.parts);
  std::vector<db::KeyAtPlace> found;
  if (!places.empty()) {
    Statement keys(database);
    OSIRIS_TRY(keys.prepare(db::bounds_statement(sql, places)));
    for (;;) {
      OSIRIS_ASSIGN(const bool more, keys.step());
      if (!more) break;
      found.push_back({static_cast<uint64_t>(sqlite3_column_int64(keys.handle(), 0)), text_at(keys, 1),
                       sqlite3_column_int(keys.handle(), 2) == 1});
    }
  }
  OSIRIS_ASSIGN(const std::vector<std::string> bounds, db::bounds_of(split, rows, found));
  return db::settled_bounds(bounds);
}

Result<std::string> select_of_part(const std::string& select, const std::vector<Column>& columns,
                                   const db::KeyRange& range) {
  OSIRIS_ASSIGN(const std::string key, key_of(columns, range.column));
  const auto literal = [](const std::string& bound) { return bound; };
  return "SELECT * FROM " + as_rows(select) + " WHERE " + range.condition(key, literal);
}

}  // namespace osiris::worker::sqlite_in
