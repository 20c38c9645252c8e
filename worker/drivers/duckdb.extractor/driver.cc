#include "worker/drivers/duckdb.extractor/driver.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/driver_api/file_columns.h"
#include "worker/driver_api/incremental.h"
#include "worker/drivers/db/key_range.h"
#include "worker/drivers/duckdb.extractor/split.h"
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

// What a step reads: a file that is open, and the statement for it.
struct Source {
  std::unique_ptr<EngineFile> file;
  std::string select;  // with its LIMIT
  std::vector<FileColumn> columns;
};

// `incremental`: null, or what the kept state asks for.
Result<Source> open_source(StepContext& step, const Options& options, const Incremental* incremental) {
  Source source;
  OSIRIS_ASSIGN(source.file, open_file(step, options.path));
  auto select = select_of(*source.file, options);
  if (!select.ok()) return named(options, select.error());
  auto columns = described(source.file->connection(), *select);
  if (!columns.ok()) return named(options, columns.error());
  source.columns = *std::move(columns);
  source.select = *select + (options.limit ? " LIMIT " + std::to_string(*options.limit) : "");
  if (incremental) {
    OSIRIS_ASSIGN(const std::string filter, incremental_filter(*incremental, source.columns));
    source.select = "SELECT * FROM (" + *select + ")" + filter;
  }
  if (const auto range = db::KeyRange::of(step)) {
    OSIRIS_ASSIGN(const std::string filter, duckdb_in::filter_of_part(source.columns, *range));
    source.select = "SELECT * FROM (" + *select + ")" + filter;
  }
  return source;
}

Result<Settled> settle(StepContext& step, const Json& rule, bool) {
  if (!rule.contains("split")) return Settled();
  OSIRIS_ASSIGN(const Options options, read_options(step));
  OSIRIS_ASSIGN(const Source source, open_source(step, options, nullptr));
  auto bounds =
      duckdb_in::ask_for_bounds(source.file->connection(), source.select, source.columns, db::KeySplit::of(rule));
  if (!bounds.ok()) return named(options, bounds.error());
  return Settled{*std::move(bounds), nullptr};
}

Result<StepOutcome> store(StepContext& step, const Options& options, const Source& source,
                          const Incremental* incremental) {
  OSIRIS_TRY(create_table(step, source.columns));
  const auto rows = files::transfer_rows(step, source.file->connection(), source.select, step.connection_handle(),
                                         step.output_table());
  if (rows.ok()) {
    if (incremental) OSIRIS_TRY(incremental->finish());
    return StepOutcome{.rows_read = *rows, .rows_written = 0};
  }
  (void)sql::execute(step.connection_handle(), "DROP TABLE IF EXISTS " + step.output_table().quoted());
  if (step.is_cancelled()) return step_cancelled();
  return named(options, rows.error());
}

Result<StepOutcome> extract_up_to(StepContext& step, std::optional<uint64_t> rows_max) {
  if (step.is_cancelled()) return step_cancelled();
  OSIRIS_ASSIGN(Options options, read_options(step));
  if (rows_max) options.limit = std::min(*rows_max, options.limit.value_or(*rows_max));
  std::optional<Incremental> incremental;
  if (!rows_max) {
    OSIRIS_ASSIGN(incremental, Incremental::of(step));
  }
  const Incremental* const kept = incremental ? &*incremental : nullptr;
  OSIRIS_ASSIGN(const Source source, open_source(step, options, kept));
  return store(step, options, source, kept);
}

Result<StepOutcome> extract(StepContext& step) { return extract_up_to(step, std::nullopt); }

// The file's rows for the statement of another step. They are asked for when that statement asks.
class FileStream : public StreamedOutput, private ChunkSource {
 public:
  FileStream(StepContext& step, Options options, Source source)
      : step_(step), options_(std::move(options)), source_(std::move(source)), query_(step) {}
  ~FileStream() override {
    if (scan_) scan_->close();
  }

  Status open() {
    std::vector<std::string> names;
    std::vector<duckdb_logical_type> types;
    for (const FileColumn& column : source_.columns) names.push_back(column.name);
    duckdb_prepared_statement head = nullptr;
    if (duckdb_prepare(source_.file->connection(), source_.select.c_str(), &head) == DuckDBSuccess)
      for (idx_t i = 0; i < duckdb_prepared_statement_column_count(head); ++i)
        types.push_back(duckdb_prepared_statement_column_logical_type(head, i));
    duckdb_destroy_prepare(&head);
    duckdb_data_chunk like = duckdb_create_data_chunk(types.data(), types.size());
    scan_ = std::make_shared<ChunkScan>(static_cast<ChunkSource&>(*this));
    auto function = define_chunk_scan(step_.connection_handle(), names, like, scan_);
    duckdb_destroy_data_chunk(&like);
    for (duckdb_logical_type& type : types) duckdb_destroy_logical_type(&type);
    OSIRIS_ASSIGN(function_, std::move(function));
    return {};
  }

  // Names of types are the file's; the columns of a stored run have types without them.
  bool is_readable() const override {
    return std::all_of(source_.columns.begin(), source_.columns.end(),
                       [](const FileColumn& column) { return !column.type.sql().empty() && !is_untyped(column.type); });
  }
  std::string rows() const override {
    std::string list;
    for (const FileColumn& column : source_.columns) {
      const std::string name = sql::quote_identifier(column.name);
      list += (list.empty() ? "CAST(" : ", CAST(") + name + " AS " + column.type.sql() + ") AS " + name;
    }
    return "(SELECT " + list + " FROM " + function_ + "())";
  }
  std::vector<std::string> functions() const override { return {function_}; }
  Result<StepOutcome> finish() override {
    if (!query_.is_complete()) return Error(Code::kUnavailable, "the rows were not read to their end");
    return StepOutcome{.rows_read = query_.count(), .rows_written = 0};
  }
  std::optional<Result<StepOutcome>> store(StepContext& step) override {
    return worker::store(step, options_, source_, nullptr);
  }

 private:
  Result<duckdb_data_chunk> next() override {
    if (!std::exchange(has_begun_, true)) OSIRIS_TRY(query_.open(source_.file->connection(), source_.select));
    return query_.next();
  }

  StepContext& step_;
  const Options options_;
  Source source_;
  files::QueryRows query_;  // ends before the file is closed
  bool has_begun_ = false;
  std::string function_;
  std::shared_ptr<ChunkScan> scan_;
};

// The next state is read from rows that are stored.
Result<std::unique_ptr<StreamedOutput>> open(StepContext& step) {
  OSIRIS_ASSIGN(Options options, read_options(step));
  OSIRIS_ASSIGN(const auto incremental, Incremental::of(step));
  if (incremental) return std::unique_ptr<StreamedOutput>();
  OSIRIS_ASSIGN(Source source, open_source(step, options, nullptr));
  auto stream = std::make_unique<FileStream>(step, std::move(options), std::move(source));
  OSIRIS_TRY(stream->open());
  return std::unique_ptr<StreamedOutput>(std::move(stream));
}

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
  static constexpr Driver driver{.name = "duckdb.extractor",
                                 .run = extract,
                                 .check = check,
                                 .describe = describe,
                                 .open = open,
                                 .settle = settle,
                                 .splits = true};
  return driver;
}

}  // namespace osiris::worker
