#include "worker/drivers/duckdb.extractor/split.h"

#include <optional>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/files/columns.h"

namespace osiris::worker::duckdb_in {
namespace {

Result<db::KeyedRows> keyed_rows(const std::string& select, const std::vector<FileColumn>& columns,
                                 const std::string& name) {
  std::vector<std::string> names;
  for (const FileColumn& column : columns) {
    names.push_back(column.name);
    if (ascii_lower(column.name) != ascii_lower(name)) continue;
    const std::string type = column.type.sql();
    if (!column.type.children.empty() || type.empty())
      return Error(Code::kInvalidArgument, "split.column: '" + name + "' is nested, and has no bounds",
                   "name a key, a number, a text or a date", category::kConfigInvalid);
    db::KeyedRows keyed;
    keyed.rows = "(" + select + ")";
    keyed.key = sql::quote_identifier(column.name);
    keyed.text = "CAST(" + keyed.key + " AS VARCHAR)";
    keyed.literal = [type](const std::string& bound) {
      return "CAST(" + sql::quote_literal(bound) + " AS " + type + ")";
    };
    return keyed;
  }
  return files::no_such_column("split.column", name, names);
}

}  // namespace

Result<Json> ask_for_bounds(duckdb_connection connection, const std::string& select,
                            const std::vector<FileColumn>& columns, const db::KeySplit& split) {
  OSIRIS_ASSIGN(db::KeyedRows keyed, keyed_rows(select, columns, split.column));
  keyed.ask = [connection](const std::string& statement) -> Result<std::optional<std::string>> {
    OSIRIS_ASSIGN(sql::QueryResult found, sql::run_query(connection, statement));
    return found.rows() == 0 ? std::nullopt : std::optional(found.text());
  };
  return db::ask_for_bounds(split, keyed);
}

Result<std::string> filter_of_part(const std::vector<FileColumn>& columns, const db::KeyRange& range) {
  OSIRIS_ASSIGN(const db::KeyedRows keyed, keyed_rows({}, columns, range.column));
  return " WHERE " + range.condition(keyed);
}

}  // namespace osiris::worker::duckdb_in
