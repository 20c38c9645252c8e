#include "worker/drivers/duckdb.extractor/split.h"

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/files/columns.h"

namespace osiris::worker::duckdb_in {
namespace {

Result<const FileColumn*> key_of(const std::vector<FileColumn>& columns, const std::string& name) {
  std::vector<std::string> names;
  for (const FileColumn& column : columns) {
    names.push_back(column.name);
    if (ascii_lower(column.name) != ascii_lower(name)) continue;
    if (column.type.children.empty() && !column.type.sql().empty()) return &column;
    return Error(Code::kInvalidArgument, "split.column: '" + name + "' is nested, and has no bounds",
                 "name a key, a number, a text or a date", category::kConfigInvalid);
  }
  return files::no_such_column("split.column", name, names);
}

}  // namespace

Result<Json> ask_for_bounds(duckdb_connection connection, const std::string& select,
                            const std::vector<FileColumn>& columns, const db::KeySplit& split) {
  OSIRIS_ASSIGN(const FileColumn* column, key_of(columns, split.column));
  const std::string key = sql::quote_identifier(column->name);
  const db::KeySql sql{"(" + select + ")", key, "CAST(" + key + " AS VARCHAR)"};
  OSIRIS_ASSIGN(sql::QueryResult counted, sql::run_query(connection, db::count_statement(sql)));
  const auto rows = static_cast<uint64_t>(counted.integer());
  const std::vector<uint64_t> places = db::places_of_bounds(rows, split.parts);
  std::vector<db::KeyAtPlace> found;
  if (!places.empty()) {
    OSIRIS_ASSIGN(sql::QueryResult keys, sql::run_query(connection, db::bounds_statement(sql, places)));
    for (idx_t row = 0; row < keys.rows(); ++row)
      found.push_back({static_cast<uint64_t>(keys.integer(0, row)), keys.text(1, row), keys.integer(2, row) == 1});
  }
  OSIRIS_ASSIGN(const std::vector<std::string> bounds, db::bounds_of(split, rows, found));
  return db::settled_bounds(bounds);
}

Result<std::string> filter_of_part(const std::vector<FileColumn>& columns, const db::KeyRange& range) {
  OSIRIS_ASSIGN(const FileColumn* column, key_of(columns, range.column));
  const std::string type = column->type.sql();
  return " WHERE " + range.condition(sql::quote_identifier(column->name), [&](const std::string& bound) {
    return "CAST(" + sql::quote_literal(bound) + " AS " + type + ")";
  });
}

}  // namespace osiris::worker::duckdb_in
