#include "worker/drivers/filesystem.json_extractor/relation.h"

#include <algorithm>
#include <optional>

#include "protocol/base/categories.h"
#include "worker/driver_api/sql.h"
#include "worker/driver_api/watched.h"
#include "worker/drivers/files/places.h"
#include "worker/drivers/filesystem.json_extractor/line_reader.h"

namespace osiris::worker::json_in {
namespace {

using sql::quote_identifier;

constexpr uint64_t kObjectBytesMore = 1024;  // beside the longest line
constexpr size_t kShownBytes = 100;

std::string source_of(const Lines& lines, const std::vector<Column>& columns) {
  std::string list;
  for (const Column& column : columns)
    list += (list.empty() ? "" : ", ") + sql::quote_literal(column.name) + ": " + sql::quote_literal(column.lines);
  return lines.reader + "(" + files::sql_path(lines.file) +
         ", format = 'newline_delimited', records = 'true', compression = "
         "'uncompressed', hive_partitioning = false, maximum_object_size = " +
         std::to_string(std::max<uint64_t>(kObjectBytesMin, lines.longest_bytes + kObjectBytesMore)) + ", columns = {" +
         list + "})";
}

bool may_be_unfit(const Column& column) {
  return column.is_declared && column.type != column.lines && column.type != "JSON";
}

std::string expression_of(const Column& column) {
  const std::string name = quote_identifier(column.name);
  if (column.type == column.lines) return name;
  const std::string cast = "CAST(" + name + " AS " + column.type + ")";
  if (!may_be_unfit(column)) return cast + " AS " + name;
  return "CASE WHEN " + name + " IS NULL THEN NULL WHEN " + fits_condition(column, name) + " THEN " + cast +
         " ELSE error('osiris: a value does not fit') END AS " + name;
}

// "in/a.json, record 3".
std::string place_of(const Lines& lines, uint64_t record) {
  auto file = lines.first_records.rbegin();
  while (file != lines.first_records.rend() && file->second > record) ++file;
  if (file == lines.first_records.rend()) return "record " + std::to_string(record + 1);
  return file->first + ", record " + std::to_string(record - file->second + 1);
}

// The first value that is not of its type; nullopt: none.
std::optional<Error> unfit_value(StepContext& step, const Lines& lines, const std::vector<Column>& columns) {
  for (const Column& column : columns) {
    if (!may_be_unfit(column)) continue;
    const std::string name = quote_identifier(column.name);
    auto found = sql::run_query(step.connection_handle(),
                                "SELECT record, v FROM (SELECT row_number() OVER () - 1 AS record, " + name +
                                    " AS v FROM " + source_of(lines, {column}) + ") WHERE v IS NOT NULL AND NOT " +
                                    fits_condition(column, "v") + " ORDER BY record LIMIT 1");
    if (!found.ok() || found->rows() == 0) continue;
    std::string value = found->text(1);
    if (value.size() > kShownBytes) value = value.substr(0, kShownBytes) + "…";
    return Error(Code::kInvalidArgument,
                 place_of(lines, static_cast<uint64_t>(found->integer())) + ": column '" + column.name + "' is " +
                     column.type + ", and '" + value + "' is no such value, or not exactly",
                 "correct the type under `columns`, or read it as VARCHAR and cast it in SQL",
                 category::kExtractSchemaMismatch);
  }
  return std::nullopt;
}

Status create_empty_relation(StepContext& step, const std::vector<Column>& columns) {
  std::string list;
  for (const Column& column : columns)
    list += (list.empty() ? "" : ", ") + quote_identifier(column.name) + " " + column.type;
  return sql::execute(step.connection_handle(), "CREATE TABLE " + step.output_table().quoted() + " (" + list + ")");
}

}  // namespace

std::string select_of(const Lines& lines, const std::vector<Column>& columns) {
  std::string list;
  for (const Column& column : columns) list += (list.empty() ? "" : ", ") + expression_of(column);
  return "SELECT " + list + " FROM " + source_of(lines, columns);
}

Status check_declared(StepContext& step, const Lines& lines, const std::vector<Column>& columns) {
  std::vector<Column> checked;
  std::string unfit;
  for (const Column& column : columns) {
    if (!may_be_unfit(column)) continue;
    const std::string name = quote_identifier(column.name);
    checked.push_back(column);
    unfit += (unfit.empty() ? "(" : " OR (") + name + " IS NOT NULL AND NOT " + fits_condition(column, name) + ")";
  }
  if (checked.empty()) return {};
  OSIRIS_ASSIGN(
      sql::QueryResult counted,
      run_watched(step, "SELECT count(*) FROM " + source_of(lines, checked) + " WHERE " + unfit, [](double) {}));
  if (counted.integer() == 0) return {};
  const auto error = unfit_value(step, lines, columns);
  return error ? Status(*error) : Status();
}

Status create_relation(StepContext& step, const Lines& lines, const std::vector<Column>& columns) {
  if (columns.empty())
    return Error(Code::kInvalidArgument, "there are no records with keys, so no columns are known",
                 "name the columns and their types under `columns`: then no records are fine too",
                 category::kExtractNoData);
  if (lines.records == 0) return create_empty_relation(step, columns);
  const auto created = run_watched(
      step, "CREATE TABLE " + step.output_table().quoted() + " AS " + select_of(lines, columns), [](double) {});
  if (!created.ok()) {
    if (created.error().code != Code::kStepFailed) return created.error();
    const auto unfit = unfit_value(step, lines, columns);
    return unfit ? *unfit : created.error();
  }
  auto counted = sql::run_query(step.connection_handle(), "SELECT count(*) FROM " + step.output_table().quoted());
  if (!counted.ok()) return counted.error();
  if (static_cast<uint64_t>(counted->integer()) == lines.records) return {};
  OSIRIS_TRY(sql::execute(step.connection_handle(), "DROP TABLE " + step.output_table().quoted()));
  return Error(
      Code::kInternal,
      "DuckDB read " + std::to_string(counted->integer()) + " of " + std::to_string(lines.records) + " records",
      "report it, with the file if you can");
}

}  // namespace osiris::worker::json_in
