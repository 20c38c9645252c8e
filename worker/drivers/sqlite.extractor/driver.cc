#include "worker/drivers/sqlite.extractor/driver.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/driver_api/chunk_scan.h"
#include "worker/driver_api/incremental.h"
#include "worker/drivers/db/key_range.h"
#include "worker/drivers/files/beside.h"
#include "worker/drivers/files/columns.h"
#include "worker/drivers/files/places.h"
#include "worker/drivers/sqlite.extractor/columns.h"
#include "worker/drivers/sqlite.extractor/database.h"
#include "worker/drivers/sqlite.extractor/relation.h"
#include "worker/drivers/sqlite.extractor/split.h"

namespace osiris::worker {
namespace {

using sqlite_in::Database;
using sqlite_in::Statement;

struct Options {
  std::string path, table, query;
  std::vector<std::string> columns;
  uint64_t limit = UINT64_MAX;
};

Error wrong(std::string message, std::string hint = {}) {
  return Error(Code::kInvalidArgument, std::move(message), std::move(hint));
}

Result<Options> read_options(const StepContext& step) {
  const Json& config = step.config();
  Options options;
  options.path = config["path"].as_string();
  if (options.path.empty()) return wrong("Step " + step.step_id() + ": 'path' is required in config");
  options.table = config["table"].as_string();
  options.query = config["query"].as_string();
  if (options.table.empty() == options.query.empty())
    return wrong(options.table.empty() ? "'table' or 'query' is required" : "'table' and 'query' exclude each other");
  for (const Json& column : config["columns"].items()) options.columns.push_back(column.as_string());
  if (!options.columns.empty() && options.table.empty())
    return wrong("'columns' belongs to 'table'", "name the columns in the query's SELECT");
  if (!config["limit"].is_null()) {
    options.limit = config["limit"].as_uint(0);
    if (options.limit < 1) return wrong("'limit' must be a whole number from 1, not " + config["limit"].dump());
  }
  return options;
}

// First column of all rows.
Result<std::vector<std::string>> texts(Database& database, const std::string& sql) {
  Statement statement(database);
  OSIRIS_TRY(statement.prepare(sql));
  std::vector<std::string> all;
  for (;;) {
    OSIRIS_ASSIGN(const bool more, statement.step());
    if (!more) return all;
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement.handle(), 0));
    all.emplace_back(text ? text : "");
  }
}

bool has_name(const std::vector<std::string>& names, const std::string& name) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& each) { return ascii_lower(each) == ascii_lower(name); });
}

Result<std::string> select_of(Database& database, const Options& options) {
  if (!options.query.empty()) return options.query;
  OSIRIS_ASSIGN(const std::vector<std::string> tables,
                texts(database, "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name"));
  if (!has_name(tables, options.table)) {
    const auto near = nearest(options.table, tables);
    return Error(Code::kInvalidArgument, options.path + " has no table '" + options.table + "'",
                 near             ? "did you mean '" + *near + "'?"
                 : tables.empty() ? "it has no tables"
                                  : "it has: " + join(tables, ", "),
                 category::kExtractSchemaMismatch);
  }
  OSIRIS_ASSIGN(const std::vector<std::string> names,
                texts(database, "SELECT name FROM pragma_table_info(" + sql::quote_literal(options.table) + ")"));
  std::string list;
  for (const std::string& column : options.columns) {
    if (!has_name(names, column)) return files::no_such_column("columns", column, names);
    list += (list.empty() ? "" : ", ") + sql::quote_identifier(column);
  }
  return "SELECT " + (list.empty() ? "*" : list) + " FROM " + sql::quote_identifier(options.table);
}

// Without a semicolon at its end, so that it can be part of another one.
std::string as_part(const std::string& select) {
  std::string trimmed(trim(select));
  while (trimmed.ends_with(';')) trimmed = trim(trimmed.substr(0, trimmed.size() - 1));
  return trimmed;
}

// The select that leaves out the rows which the kept state does not ask for.
Result<std::string> incremental_select(const Incremental& incremental, const std::string& select,
                                       const std::vector<sqlite_in::Column>& columns) {
  std::vector<std::string> names;
  for (const sqlite_in::Column& column : columns) {
    names.push_back(column.name);
    if (ascii_lower(column.name) != ascii_lower(incremental.column())) continue;
    const bool is_text = column.type == sqlite_in::Type::kText || column.type == sqlite_in::Type::kUnknown;
    const bool is_whole = column.type == sqlite_in::Type::kBigint;
    // SQLite's own types have no other order: DOUBLE and BLOB are refused by the type.
    const ColumnType type = ColumnType::plain(is_text    ? DUCKDB_TYPE_VARCHAR
                                              : is_whole ? DUCKDB_TYPE_BIGINT
                                                         : DUCKDB_TYPE_DOUBLE);
    OSIRIS_ASSIGN(const auto least, incremental.least(type));
    const std::string name = sql::quote_identifier(column.name);
    std::string filter = incremental.skips_nulls() ? name + " IS NOT NULL" : "";
    if (least) {
      // By bytes, whatever the column's collation: the engine finds the greatest value that way.
      filter = is_text ? name + " COLLATE BINARY >= " + sql::quote_literal(*least) : name + " >= " + *least;
      if (!incremental.skips_nulls()) filter += " OR " + name + " IS NULL";
    }
    return filter.empty() ? select : "SELECT * FROM (\n" + select + "\n) WHERE " + filter;
  }
  return files::no_such_column("incremental.column", incremental.column(), names);
}

// What a step reads: a file that is open, and a statement whose columns have their types.
struct Reading {
  explicit Reading(const StepContext& step) : database(step), statement(database) {}
  Database database;
  Statement statement;
  std::string select;
  uint64_t limit = 0;
  std::vector<sqlite_in::Column> columns;
};

Result<std::unique_ptr<Reading>> open_reading(StepContext& step, uint64_t rows_max) {
  OSIRIS_ASSIGN(const Options options, read_options(step));
  auto reading = std::make_unique<Reading>(step);
  reading->limit = std::min(options.limit, rows_max);
  OSIRIS_ASSIGN(const std::filesystem::path file, files::with_companion(step, options.path, "-wal", "SQLite"));
  OSIRIS_TRY(reading->database.open(file, options.path));
  OSIRIS_ASSIGN(reading->select, select_of(reading->database, options));
  OSIRIS_TRY(reading->statement.prepare(reading->select));
  reading->columns = sqlite_in::columns_of(reading->statement.handle());
  if (db::KeyRange::of(step)) {  // its types are those of all rows
    const Json& types = step.shard()->settled["types"];
    for (sqlite_in::Column& column : reading->columns)
      if (const Json* type = types.find(column.name)) column.type = sqlite_in::type_named(type->as_string());
    return reading;
  }
  OSIRIS_TRY(sqlite_in::settle_types(step, reading->statement, reading->columns, reading->limit));
  for (const sqlite_in::Column& column : reading->columns)
    if (column.is_by_values && !column.declared.empty())
      step.log("column '" + column.name + "' (" + column.declared + ") is " +
               std::string(sqlite_in::type_name(column.type)) + ", as its values are");
  return reading;
}

Result<StepOutcome> store(StepContext& step, Statement& statement, const Reading& reading) {
  sqlite_in::Rows rows(step, statement, reading.columns, reading.limit);
  OSIRIS_TRY(sqlite_in::store_rows(step, rows, reading.columns));
  return StepOutcome{.rows_read = rows.count(), .rows_written = 0};
}

Result<StepOutcome> extract_up_to(StepContext& step, uint64_t rows_max) {
  if (step.is_cancelled()) return step_cancelled();
  OSIRIS_ASSIGN(const std::unique_ptr<Reading> reading, open_reading(step, rows_max));
  OSIRIS_ASSIGN(const auto incremental,
                rows_max == UINT64_MAX ? Incremental::of(step) : Result<std::optional<Incremental>>(std::nullopt));
  if (const auto range = db::KeyRange::of(step)) {
    OSIRIS_ASSIGN(const std::string part,
                  sqlite_in::select_of_part(as_part(reading->select), reading->columns, *range));
    Statement rows_of_part(reading->database);
    OSIRIS_TRY(rows_of_part.prepare(part));
    return store(step, rows_of_part, *reading);
  }
  if (!incremental) return store(step, reading->statement, *reading);
  OSIRIS_ASSIGN(const std::string wanted, incremental_select(*incremental, as_part(reading->select), reading->columns));
  Statement new_rows(reading->database);
  OSIRIS_TRY(new_rows.prepare(wanted));
  OSIRIS_ASSIGN(const StepOutcome outcome, store(step, new_rows, *reading));
  OSIRIS_TRY(incremental->finish());
  return outcome;
}

Result<Settled> settle(StepContext& step, const Json& rule, bool) {
  if (!rule.contains("split")) return Settled();
  OSIRIS_ASSIGN(const std::unique_ptr<Reading> reading, open_reading(step, UINT64_MAX));
  OSIRIS_ASSIGN(Json settled, sqlite_in::ask_for_bounds(reading->database, as_part(reading->select), reading->columns,
                                                        db::KeySplit::of(rule)));
  Json types = Json::object();
  for (const sqlite_in::Column& column : reading->columns)
    if (column.is_by_values) types.set(column.name, sqlite_in::type_name(column.type));
  settled.set("types", std::move(types));
  return Settled{std::move(settled), nullptr};
}

// The file's rows for the statement of another step, which asks for them as it goes.
class FileRows : public StreamedOutput {
 public:
  FileRows(StepContext& step, std::unique_ptr<Reading> reading)
      : reading_(std::move(reading)),
        rows_(step, reading_->statement, reading_->columns, reading_->limit),
        scan_(std::make_shared<ChunkScan>(rows_)) {}
  ~FileRows() override { scan_->close(); }
  FileRows(const FileRows&) = delete;
  FileRows& operator=(const FileRows&) = delete;

  Status open(StepContext& step) {
    std::vector<std::string> names;
    for (const sqlite_in::Column& column : reading_->columns) names.push_back(column.name);
    OSIRIS_ASSIGN(function_, define_chunk_scan(step.connection_handle(), names, rows_.chunk(), scan_));
    return {};
  }
  std::string rows() const override { return function_ + "()"; }
  std::vector<std::string> functions() const override { return {function_}; }
  Result<StepOutcome> finish() override {
    if (!rows_.is_complete()) return Error(Code::kUnavailable, "the rows were not read to their end");
    return StepOutcome{.rows_read = rows_.count(), .rows_written = 0};
  }
  std::optional<Error> failure() const override { return rows_.failure(); }
  std::optional<Result<StepOutcome>> store(StepContext& step) override {
    if (scan_->begun()) return std::nullopt;  // some rows are gone
    return worker::store(step, reading_->statement, *reading_);
  }

 private:
  const std::unique_ptr<Reading> reading_;
  sqlite_in::Rows rows_;
  const std::shared_ptr<ChunkScan> scan_;
  std::string function_;
};

// The next state is read from rows that are stored.
Result<std::unique_ptr<StreamedOutput>> open(StepContext& step) {
  const auto incremental = Incremental::of(step);
  if (!incremental.ok() || *incremental) return std::unique_ptr<StreamedOutput>();
  OSIRIS_ASSIGN(std::unique_ptr<Reading> reading, open_reading(step, UINT64_MAX));
  auto stream = std::make_unique<FileRows>(step, std::move(reading));
  OSIRIS_TRY(stream->open(step));
  return std::unique_ptr<StreamedOutput>(std::move(stream));
}

Result<StepOutcome> extract(StepContext& step) { return extract_up_to(step, UINT64_MAX); }

Status describe(StepContext& step) {
  const auto sampled = extract_up_to(step, kSampleRows);
  return sampled.ok() ? Status() : Status(sampled.error());
}

// Without a path (a check of the connection alone) the base directory must be there.
Status check(StepContext& step) {
  const std::string path = step.config()["path"].as_string();
  if (path.empty()) return files::check_base_dir(step);
  OSIRIS_ASSIGN(const std::filesystem::path file, files::with_companion(step, path, "-wal", "SQLite"));
  Database database(step);
  return database.open(file, path);
}

}  // namespace

const Driver& sqlite_extractor() {
  static constexpr Driver driver{.name = "sqlite.extractor",
                                 .run = extract,
                                 .check = check,
                                 .describe = describe,
                                 .open = open,
                                 .settle = settle,
                                 .splits = true};
  return driver;
}

}  // namespace osiris::worker
