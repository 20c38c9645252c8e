// Tables and comments that file_columns.h has made.
#include "worker/driver_api/file_columns.h"

namespace osiris::worker {

using sql::quote_identifier;
using sql::quote_literal;

Status create_empty(duckdb_connection connection, const sql::TableName& table, const std::vector<FileColumn>& columns) {
  std::string list;
  for (const FileColumn& column : columns)
    list += (list.empty() ? "" : ", ") + quote_identifier(column.name) + " " + column.type.sql();
  return sql::execute(connection, "CREATE TABLE " + table.quoted() + " (" + list + ")");
}

Status set_comment(duckdb_connection connection, const sql::TableName& table, const FileColumn& column) {
  if (column.comment.empty() || column.comment.find('\0') != std::string::npos) return {};  // never ours
  return sql::execute(connection, "COMMENT ON COLUMN " + table.quoted() + "." + quote_identifier(column.name) + " IS " +
                                      quote_literal(column.comment));
}

}  // namespace osiris::worker
