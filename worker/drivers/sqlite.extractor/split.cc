#include "worker/drivers/sqlite.extractor/split.h"

#include <optional>

#include "protocol/base/text.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/files/columns.h"

namespace osiris::worker::sqlite_in {
namespace {

// A bound is a literal already: quote() keeps its type, which a column of SQLite's has by value.
Result<db::KeyedRows> keyed_rows(const std::string& select, const std::vector<Column>& columns,
                                 const std::string& name) {
  std::vector<std::string> names;
  for (const Column& column : columns) {
    names.push_back(column.name);
    if (ascii_lower(column.name) != ascii_lower(name)) continue;
    db::KeyedRows keyed;
    keyed.rows = "(\n" + select + "\n)";
    keyed.key = sql::quote_identifier(column.name);
    keyed.text = "quote(" + keyed.key + ")";
    keyed.literal = [](const std::string& bound) {
      // Newer versions of quote() write the infinities as words, which are no literals.
      return bound == "Inf" ? std::string("9e999") : bound == "-Inf" ? std::string("-9e999") : bound;
    };
    return keyed;
  }
  return files::no_such_column("split.column", name, names);
}

}  // namespace

Result<Json> ask_for_bounds(Database& database, const std::string& select, const std::vector<Column>& columns,
                            const db::KeySplit& split) {
  OSIRIS_ASSIGN(db::KeyedRows keyed, keyed_rows(select, columns, split.column));
  keyed.ask = [&database](const std::string& statement) -> Result<std::optional<std::string>> {
    Statement one(database);
    OSIRIS_TRY(one.prepare(statement));
    OSIRIS_ASSIGN(const bool is_there, one.step());
    const auto* text = is_there ? sqlite3_column_text(one.handle(), 0) : nullptr;
    return text ? std::optional(std::string(reinterpret_cast<const char*>(text))) : std::nullopt;
  };
  return db::ask_for_bounds(split, keyed);
}

Result<std::string> select_of_part(const std::string& select, const std::vector<Column>& columns,
                                   const db::KeyRange& range) {
  OSIRIS_ASSIGN(const db::KeyedRows keyed, keyed_rows(select, columns, range.column));
  return "SELECT * FROM " + keyed.rows + " WHERE " + range.condition(keyed);
}

}  // namespace osiris::worker::sqlite_in
