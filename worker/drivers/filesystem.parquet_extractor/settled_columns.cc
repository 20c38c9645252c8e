#include "worker/drivers/filesystem.parquet_extractor/settled_columns.h"

#include "worker/driver_api/name_index.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker::parquet {

Json settled_columns(const Joined& joined) {
  Json columns = Json::array(), path_columns = Json::object();
  for (const JoinedColumn& each : joined.columns) {
    if (!each.of_path && is_untyped(each.column.type)) return {};
    Json column = Json::object(
        {{"name", each.column.name}, {"type", each.of_path ? each.of_path->type : each.column.type.sql()}});
    if (!each.column.comment.empty()) column.set("comment", each.column.comment);
    columns.push_back(std::move(column));
    if (each.of_path) path_columns.set(each.of_path->name, each.of_path->type);
  }
  return Json::object({{"columns", std::move(columns)}, {"path_columns", std::move(path_columns)}});
}

void take_settled(const Json& settled, std::vector<PathColumn>& of_paths) {
  if (settled.is_null()) return;
  const Json& wanted = settled["path_columns"];
  std::erase_if(of_paths, [&](const PathColumn& column) { return !wanted.contains(column.name); });
  for (PathColumn& column : of_paths) column.type = wanted[column.name].as_string();
}

std::string select_as_settled(const Json& settled, const Joined& joined, const std::string& select) {
  std::string list;
  const NameIndex there(joined.columns, name_of);
  for (const Json& column : settled["columns"].items()) {
    const std::string& name = column["name"].as_string();
    const std::string quoted = sql::quote_identifier(name);
    list += (list.empty() ? "CAST(" : ", CAST(") + (there.contains(name) ? quoted : std::string("NULL")) + " AS " +
            column["type"].as_string() + ") AS " + quoted;
  }
  return "SELECT " + list + " FROM (" + select + ")";
}

}  // namespace osiris::worker::parquet
