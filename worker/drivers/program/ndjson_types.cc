#include "worker/drivers/program/ndjson_types.h"

#include <utility>

#include "worker/driver_api/changed_values.h"
#include "worker/driver_api/sql.h"
#include "worker/driver_api/type_class.h"

namespace osiris::worker::program {

ColumnType with_texts(ColumnType type) {
  if (is_date_or_time(type.id) || type.id == DUCKDB_TYPE_UUID) return ColumnType::plain(DUCKDB_TYPE_VARCHAR);
  for (ColumnType& child : type.children) child = with_texts(std::move(child));
  return type;
}

Status keep_digits(duckdb_connection connection, std::vector<FileColumn>& columns, const SourceOf& source_of,
                   const std::function<void(const std::string&)>& say) {
  std::vector<FileColumn*> numbers;
  std::vector<Column> texts;
  std::string looks;
  for (FileColumn& column : columns) {
    if (column.type.id != DUCKDB_TYPE_DOUBLE) continue;
    numbers.push_back(&column);
    texts.push_back({column.name, "VARCHAR"});
    looks += (looks.empty() ? "" : ", ") + type_of_numbers(sql::quote_identifier(column.name));
  }
  if (numbers.empty()) return {};
  OSIRIS_ASSIGN(sql::QueryResult types, sql::run_query(connection, "SELECT " + looks + " FROM " + source_of(texts)));
  for (size_t i = 0; i < numbers.size(); ++i) {
    const std::string type = types.text(i);
    if (type == "HUGEINT") numbers[i]->type = ColumnType::plain(DUCKDB_TYPE_HUGEINT);
    if (type != "VARCHAR") continue;
    numbers[i]->type = ColumnType::plain(DUCKDB_TYPE_VARCHAR);
    say("column '" + numbers[i]->name + "' holds numbers that a DOUBLE does not keep: it is text");
  }
  return {};
}

}  // namespace osiris::worker::program
