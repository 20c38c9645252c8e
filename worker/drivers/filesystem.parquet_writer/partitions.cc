#include "worker/drivers/filesystem.parquet_writer/partitions.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/base/file_pattern.h"
#include "protocol/base/replacing_directory.h"
#include "protocol/base/text.h"
#include "worker/driver_api/watched.h"
#include "worker/drivers/files/columns.h"
#include "worker/drivers/files/places.h"
#include "worker/drivers/remote/location.h"
#include "worker/drivers/remote/output_set.h"

namespace osiris::worker::parquet_out {
namespace {

namespace fs = std::filesystem;
using sql::quote_identifier;

constexpr uint64_t kPartitionsMax = 10'000;
constexpr char kNull[] = "__HIVE_DEFAULT_PARTITION__";
constexpr duckdb_type kTypes[] = {DUCKDB_TYPE_VARCHAR,   DUCKDB_TYPE_BOOLEAN,  DUCKDB_TYPE_DATE,   DUCKDB_TYPE_TINYINT,
                                  DUCKDB_TYPE_SMALLINT,  DUCKDB_TYPE_INTEGER,  DUCKDB_TYPE_BIGINT, DUCKDB_TYPE_UTINYINT,
                                  DUCKDB_TYPE_USMALLINT, DUCKDB_TYPE_UINTEGER, DUCKDB_TYPE_UBIGINT};

std::string source_of(const StepContext& step) {
  return sql::TableName{"temp", "main", step.inputs().front().name}.quoted();
}

bool is_partition(const Options& options, const FileColumn& column) {
  return std::any_of(options.partition_by.begin(), options.partition_by.end(),
                     [&](const std::string& name) { return ascii_lower(name) == ascii_lower(column.name); });
}

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
    looks += ", max(CASE WHEN lower(" + name + ") = 'null' OR " + name + " = '" + kNull + "' OR contains(" + name +
             ", chr(0)) OR octet_length(encode(url_encode(" + name + "))) > 200 THEN " + name + " END)";
  }
  OSIRIS_ASSIGN(sql::QueryResult found,
                sql::run_query(step.connection_handle(), "SELECT count(*)" + looks + " FROM (SELECT DISTINCT " + list +
                                                             " FROM " + source_of(step) + ")"));
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

// A relation without rows is one file without rows, so that its columns are not lost.
Status write_schema(StepContext& step, const Options& options, const std::vector<FileColumn>& columns,
                    const fs::path& directory) {
  std::vector<FileColumn> others;
  fs::path place = directory;
  for (const std::string& name : options.partition_by) place /= percent_encode(name) + "=" + kNull;
  for (const FileColumn& column : columns)
    if (!is_partition(options, column)) others.push_back(column);
  OSIRIS_TRY(make_directories(place));
  return write_file(step.connection_handle(), source_of(step), others, FileFormat::kParquet, place / "data_0.parquet",
                    options.copy_options());
}

Result<uint64_t> rows_of(StepContext& step, const fs::path& file) {
  OSIRIS_ASSIGN(sql::QueryResult counted,
                sql::run_query(step.connection_handle(),
                               "SELECT num_rows FROM parquet_file_metadata(" + files::sql_path(file) + ")"));
  return static_cast<uint64_t>(counted.integer());
}

Result<uint64_t> copy(StepContext& step, const Options& options, const std::vector<FileColumn>& columns,
                      const fs::path& directory) {
  std::string keys;
  for (const std::string& name : options.partition_by) keys += (keys.empty() ? "" : ", ") + quote_identifier(name);
  auto rows =
      count_watched(step,
                    copy_statement(source_of(step), columns, FileFormat::kParquet, directory,
                                   ", PARTITION_BY (" + keys + "), OVERWRITE_OR_IGNORE true" + options.copy_options()),
                    step.inputs().front().rows);
  if (rows.ok()) return rows;
  Error error = copy_error(step.connection_handle(), source_of(step), columns, FileFormat::kParquet, rows.error());
  if (error.category.empty()) error.category = category::kWriteFailed;
  return error;
}

}  // namespace

Status check_partitions(StepContext& step, const Options& options, const std::vector<FileColumn>& columns) {
  std::vector<FileColumn> keys;
  std::vector<std::string> names;
  for (const FileColumn& column : columns) {
    names.push_back(column.name);
    if (is_partition(options, column)) keys.push_back(column);
  }
  for (const std::string& name : options.partition_by)
    if (std::none_of(keys.begin(), keys.end(),
                     [&](const FileColumn& key) { return ascii_lower(key.name) == ascii_lower(name); }))
      return files::no_such_column("partition_by", name, names);
  if (keys.size() == columns.size())
    return wrong("'partition_by' names all columns, and the files would have none", "leave one out");
  for (const FileColumn& key : keys)
    if (!key.type.alias.empty() || std::find(std::begin(kTypes), std::end(kTypes), key.type.id) == std::end(kTypes))
      return wrong("column '" + key.name + "' is " + key.type.sql() +
                       ": partition_by takes whole numbers, dates, booleans and text",
                   "cast it in a SQL step before");
  return check_values(step, keys);
}

Result<StepOutcome> write_partitions(StepContext& step, const Options& options,
                                     const std::vector<FileColumn>& columns) {
  OSIRIS_TRY(check_partitions(step, options, columns));
  std::optional<remote::OutputSet> set;
  if (remote::is_remote(options.file.path)) {
    set.emplace(step, options.file.path);
    OSIRIS_TRY(set->look({".parquet"}));
  }
  ReplacingDirectory directory(options.file.target);
  OSIRIS_TRY(directory.open(options.create_dirs));
  OSIRIS_ASSIGN(const uint64_t rows, copy(step, options, columns, directory.staging()));
  if (rows == 0) OSIRIS_TRY(write_schema(step, options, columns, directory.staging()));
  OSIRIS_TRY(step.inputs_are_sound());
  OSIRIS_ASSIGN(const std::vector<fs::path> staged, files_below(directory.staging()));
  std::vector<std::pair<fs::path, uint64_t>> written;
  for (const fs::path& file : staged) {
    OSIRIS_ASSIGN(const uint64_t count, rows_of(step, file));
    written.emplace_back(file.lexically_relative(directory.staging()), count);
  }
  if (step.is_cancelled()) return Error(Code::kCancelled, "the step was cancelled");
  OSIRIS_TRY(directory.commit());
  if (set) {
    std::vector<remote::SetFile> files;
    for (const auto& [file, count] : written) files.push_back({directory.target() / file, file.native(), count});
    OSIRIS_TRY(set->deliver(files));
    std::error_code ignored;
    fs::remove_all(directory.target(), ignored);
    return StepOutcome{.rows_read = rows, .rows_written = rows};
  }
  std::string path = options.file.path;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  for (const auto& [file, count] : written)
    OSIRIS_TRY(step.add_output({path + "/" + file.native(), directory.target() / file}, count));
  return StepOutcome{.rows_read = rows, .rows_written = rows};
}

}  // namespace osiris::worker::parquet_out
