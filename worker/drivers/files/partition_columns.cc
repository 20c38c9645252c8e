#include "worker/drivers/files/partition_columns.h"

#include <algorithm>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/drivers/files/columns.h"

namespace osiris::worker::files {
namespace {

using sql::quote_identifier;

constexpr uint64_t kPartitionsMax = 10'000;
constexpr duckdb_type kTypes[] = {DUCKDB_TYPE_VARCHAR,   DUCKDB_TYPE_BOOLEAN,  DUCKDB_TYPE_DATE,   DUCKDB_TYPE_TINYINT,
                                  DUCKDB_TYPE_SMALLINT,  DUCKDB_TYPE_INTEGER,  DUCKDB_TYPE_BIGINT, DUCKDB_TYPE_UTINYINT,
                                  DUCKDB_TYPE_USMALLINT, DUCKDB_TYPE_UINTEGER, DUCKDB_TYPE_UBIGINT};

Error wrong(std::string message, std::string hint) {
  return Error(Code::kInvalidArgument, std::move(message), std::move(hint), category::kWriteFailed);
}

Status check_values(StepContext& step, const std::vector<FileColumn>& keys) {
  std::string list, looks;
  for (const FileColumn& key : keys) {
    const std::string name = quote_identifier(key.name);
    list += (list.empty() ? "" : ", ") + name;
    if (key.type.id != DUCKDB_TYPE_VARCHAR) continue;
    // Others take these for NULL; a NUL byte ends a name, and a name of more bytes than this cannot be made.
    looks += ", max(CASE WHEN lower(" + name + ") = 'null' OR " + name + " = '" + kNullPartition + "' OR contains(" +
             name + ", chr(0)) OR octet_length(encode(url_encode(" + name + "))) > 200 THEN " + name + " END)";
  }
  OSIRIS_ASSIGN(sql::QueryResult found,
                sql::run_query(step.connection_handle(), "SELECT count(*)" + looks + " FROM (SELECT DISTINCT " + list +
                                                             " FROM " + input_source(step) + ")"));
  idx_t place = 1;
  for (const FileColumn& key : keys) {
    if (key.type.id != DUCKDB_TYPE_VARCHAR) continue;
    if (!duckdb_value_is_null(found.get(), place, 0))
      return wrong("column '" + key.name + "' holds '" + found.text(place) +
                       "', which cannot be the name of a directory: readers take NULL for it, or it is too long",
                   "replace it in a SQL step before");
    ++place;
  }
  if (static_cast<uint64_t>(found.integer()) > kPartitionsMax)
    return wrong("partition_by would make " + std::to_string(found.integer()) + " directories, and " +
                     std::to_string(kPartitionsMax) + " are the most",
                 "partition by a column with fewer values");
  return {};
}

}  // namespace

std::string input_source(const StepContext& step) {
  return sql::TableName{"temp", "main", step.inputs().front().name}.quoted();
}

std::string null_directory(const std::vector<std::string>& names) {
  std::string directory;
  for (const std::string& name : names)
    directory += (directory.empty() ? "" : "/") + percent_encode(name) + "=" + kNullPartition;
  return directory;
}

bool is_partition(const std::vector<std::string>& names, const FileColumn& column) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return ascii_lower(name) == ascii_lower(column.name); });
}

Status check_partitions(StepContext& step, const std::vector<std::string>& names,
                        const std::vector<FileColumn>& columns) {
  std::vector<FileColumn> keys;
  std::vector<std::string> known;
  for (const FileColumn& column : columns) {
    known.push_back(column.name);
    if (is_partition(names, column)) keys.push_back(column);
  }
  for (const std::string& name : names)
    if (std::none_of(keys.begin(), keys.end(),
                     [&](const FileColumn& key) { return ascii_lower(key.name) == ascii_lower(name); }))
      return no_such_column("partition_by", name, known);
  if (keys.size() == columns.size())
    return wrong("'partition_by' names all columns, and the files would have none", "leave one out");
  for (const FileColumn& key : keys)
    if (!key.type.alias.empty() || std::find(std::begin(kTypes), std::end(kTypes), key.type.id) == std::end(kTypes))
      return wrong("column '" + key.name + "' is " + key.type.sql() +
                       ": partition_by takes whole numbers, dates, booleans and text",
                   "cast it in a SQL step before");
  return check_values(step, keys);
}

}  // namespace osiris::worker::files
