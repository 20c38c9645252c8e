#include "worker/drivers/duckdb.extractor/driver.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/driver_api/file_columns.h"
#include "worker/driver_api/incremental.h"
#include "worker/drivers/files/beside.h"
#include "worker/drivers/files/columns.h"
#include "worker/drivers/files/engine_file.h"
#include "worker/drivers/files/places.h"

namespace osiris::worker {
namespace {

using files::EngineFile;

struct Options {
  std::string path, schema, table, query;
  std::vector<std::string> columns;
  std::optional<uint64_t> limit;
};

Error wrong(std::string message, std::string hint = {}) {
  return Error(Code::kInvalidArgument, std::move(message), std::move(hint));
}

Result<Options> read_options(const StepContext& step) {
  const Json& config = step.config();
  Options options;
  options.path = config["path"].as_string();
  if (options.path.empty()) return wrong("Step " + step.step_id() + ": 'path' is required in config");
  options.schema = config["schema"].as_string_or("main");
  options.table = config["table"].as_string();
  options.query = config["query"].as_string();
  if (options.table.empty() == options.query.empty())
    return wrong(options.table.empty() ? "'table' or 'query' is required" : "'table' and 'query' exclude each other");
  for (const Json& column : config["columns"].items()) options.columns.push_back(column.as_string());
  if (!options.columns.empty() && options.table.empty())
    return wrong("'columns' belongs to 'table'", "name the columns in the query's SELECT");
  if (!config["limit"].is_null()) {
    options.limit = config["limit"].as_uint(0);
    if (*options.limit < 1) return wrong("'limit' must be a whole number from 1, not " + config["limit"].dump());
  }
  return options;
}

Result<std::unique_ptr<EngineFile>> open_file(StepContext& step, const std::string& path) {
  OSIRIS_ASSIGN(const std::filesystem::path file, files::with_companion(step, path, ".wal", "DuckDB"));
  return EngineFile::open(step, file, EngineFile::Access::kRead, path);
}

// One statement that reads.
Status check_query(EngineFile& file, const std::string& query) {
  duckdb_extracted_statements statements = nullptr;
  const idx_t count = duckdb_extract_statements(file.connection(), query.c_str(), &statements);
  const auto ended = [&](Status status) {
    duckdb_destroy_extracted(&statements);
    return status;
  };
  if (count == 0) {
    const char* text = duckdb_extract_statements_error(statements);
    return ended(Error(Code::kInvalidArgument,
                       "the query is refused: " + std::string(text && *text ? text : "it is empty"), "write one SELECT",
                       category::kExtractQueryFailed));
  }
  duckdb_prepared_statement prepared = nullptr;
  const bool is_prepared =
      duckdb_prepare_extracted_statement(file.connection(), statements, 0, &prepared) == DuckDBSuccess;
  const duckdb_statement_type type =
      is_prepared ? duckdb_prepared_statement_type(prepared) : DUCKDB_STATEMENT_TYPE_INVALID;
  const char* text = duckdb_prepare_error(prepared);
  const std::string reason = text ? text : "no reason given";
  const bool has_parameters = is_prepared && duckdb_nparams(prepared) > 0;
  duckdb_destroy_prepare(&prepared);
  const auto refused = [&](const std::string& why) {
    return ended(
        Error(Code::kInvalidArgument, file.shown() + ": " + why, "write one SELECT", category::kExtractQueryFailed));
  };
  if (!is_prepared) return refused("the query is refused: " + reason);
  if (count > 1) return refused("the query is more than one statement");
  if (type != DUCKDB_STATEMENT_TYPE_SELECT) return refused("the query is no SELECT");
  if (has_parameters) return refused("the query has parameters, which nothing gives values to");
  return ended({});
}

Result<std::vector<std::string>> texts(duckdb_connection connection, const std::string& sql) {
  OSIRIS_ASSIGN(sql::QueryResult found, sql::run_query(connection, sql));
  std::vector<std::string> all;
  for (idx_t row = 0; row < found.rows(); ++row) all.push_back(found.text(0, row));
  return all;
}

Result<std::string> select_of(EngineFile& file, const Options& options) {
  if (!options.query.empty()) {
    OSIRIS_TRY(check_query(file, options.query));
    std::string query(trim(options.query));
    while (query.ends_with(';')) query = trim(query.substr(0, query.size() - 1));
    return "SELECT * FROM (" + query + "\n)";
  }
  OSIRIS_ASSIGN(const std::vector<std::string> tables,
                texts(file.connection(), "SELECT table_name FROM information_schema.tables WHERE table_schema = " +
                                             sql::quote_literal(options.schema) + " ORDER BY 1"));
  const auto found = std::find_if(tables.begin(), tables.end(), [&](const std::string& table) {
    return ascii_lower(table) == ascii_lower(options.table);
  });
  if (found == tables.end()) {
    const auto near = nearest(options.table, tables);
    return Error(Code::kInvalidArgument,
                 options.path + " has no table '" + options.table + "' in schema " + options.schema,
                 near             ? "did you mean '" + *near + "'?"
                 : tables.empty() ? "that schema has no tables"
                                  : "it has: " + join(tables, ", "),
                 category::kExtractSchemaMismatch);
  }
  const std::string source = sql::quote_identifier(options.schema) + "." + sql::quote_identifier(*found);
  OSIRIS_ASSIGN(const std::vector<FileColumn> all, described(file.connection(), "SELECT * FROM " + source));
  OSIRIS_ASSIGN(const std::vector<FileColumn> chosen, files::chosen_columns(all, options.columns));
  std::string list;
  for (const FileColumn& column : chosen) list += (list.empty() ? "" : ", ") + sql::quote_identifier(column.name);
  return "SELECT " + list + " FROM " + source;
}

Status create_table(StepContext& step, const std::vector<FileColumn>& columns) {
  std::string list;
  for (const FileColumn& column : columns) {
    const std::string type = column.type.sql();
    if (type.empty())
      return Error(Code::kInvalidArgument, "column '" + column.name + "' has a type without a name",
                   "cast it in `query`", category::kExtractSchemaMismatch);
    list += (list.empty() ? "" : ", ") + sql::quote_identifier(column.name) + " " + type;
  }
  return sql::execute(step.connection_handle(), "CREATE TABLE " + step.output_table().quoted() + " (" + list + ")");
}

// "… WHERE …": the rows that the kept state asks for; empty: all.
Result<std::string> incremental_filter(const Incremental& incremental, const std::vector<FileColumn>& columns) {
  for (const FileColumn& column : columns) {
    if (ascii_lower(column.name) != ascii_lower(incremental.column())) continue;
    OSIRIS_ASSIGN(const auto least, incremental.least(column.type));
    const std::string name = sql::quote_identifier(column.name);
    if (!least) return incremental.skips_nulls() ? " WHERE " + name + " IS NOT NULL" : std::string();
    return " WHERE " + name + " >= CAST(" + sql::quote_literal(*least) + " AS " + column.type.sql() + ")" +
           (incremental.skips_nulls() ? "" : " OR " + name + " IS NULL");
  }
  std::vector<std::string> names;
  for (const FileColumn& column : columns) names.push_back(column.name);
  return files::no_such_column("incremental.column", incremental.column(), names);
}

Error named(const Options& options, const Error& error) {
  if (error.code != Code::kStepFailed) return error;
  Error shown = error.within(options.path);
  if (shown.category.empty()) shown.category = category::kExtractQueryFailed;
  return shown;
}

Result<StepOutcome> extract_up_to(StepContext& step, std::optional<uint64_t> rows_max) {
  if (step.is_cancelled()) return Error(Code::kCancelled, "the step was cancelled");
  OSIRIS_ASSIGN(Options options, read_options(step));
  if (rows_max) options.limit = std::min(*rows_max, options.limit.value_or(*rows_max));
  OSIRIS_ASSIGN(const std::unique_ptr<EngineFile> file, open_file(step, options.path));
  auto select = select_of(*file, options);
  if (!select.ok()) return named(options, select.error());
  std::optional<Incremental> incremental;
  if (!rows_max) {
    OSIRIS_ASSIGN(incremental, Incremental::of(step));
  }
  std::string limited = *select + (options.limit ? " LIMIT " + std::to_string(*options.limit) : "");
  const auto columns = described(file->connection(), *select);
  if (!columns.ok()) return named(options, columns.error());
  if (incremental) {
    OSIRIS_ASSIGN(const std::string filter, incremental_filter(*incremental, *columns));
    limited = "SELECT * FROM (" + *select + ")" + filter;
  }
  OSIRIS_TRY(create_table(step, *columns));
  const auto rows =
      files::transfer_rows(step, file->connection(), limited, step.connection_handle(), step.output_table());
  if (rows.ok()) {
    if (incremental) OSIRIS_TRY(incremental->finish());
    return StepOutcome{.rows_read = *rows, .rows_written = 0};
  }
  (void)sql::execute(step.connection_handle(), "DROP TABLE IF EXISTS " + step.output_table().quoted());
  if (step.is_cancelled()) return Error(Code::kCancelled, "the step was cancelled");
  return named(options, rows.error());
}

Result<StepOutcome> extract(StepContext& step) { return extract_up_to(step, std::nullopt); }

Status describe(StepContext& step) {
  const auto sampled = extract_up_to(step, kSampleRows);
  return sampled.ok() ? Status() : Status(sampled.error());
}

// Without a path (a check of the connection alone) the base directory must be there.
Status check(StepContext& step) {
  const std::string path = step.config()["path"].as_string();
  if (path.empty()) return files::check_base_dir(step);
  const auto file = open_file(step, path);
  return file.ok() ? Status() : Status(file.error());
}

}  // namespace

const Driver& duckdb_extractor() {
  static constexpr Driver driver{.name = "duckdb.extractor", .run = extract, .check = check, .describe = describe};
  return driver;
}

}  // namespace osiris::worker
