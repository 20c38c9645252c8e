#include "worker/drivers/duckdb.writer/driver.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "protocol/base/categories.h"
#include "protocol/base/copy_file.h"
#include "protocol/base/replacing_file.h"
#include "worker/driver_api/file_columns.h"
#include "worker/driver_api/name_index.h"
#include "worker/drivers/files/compression.h"
#include "worker/drivers/files/engine_file.h"
#include "worker/drivers/files/places.h"

namespace osiris::worker {
namespace {

namespace fs = std::filesystem;
using files::EngineFile;

// What follows when the rows have columns that the table lacks.
enum class NewColumns { kFreeze, kEvolve, kDiscard };

struct Options {
  OutputFile file;
  NewColumns new_columns = NewColumns::kFreeze;
  std::string schema, table;
  bool appends = false, create_dirs = true;

  std::string quoted() const { return sql::quote_identifier(schema) + "." + sql::quote_identifier(table); }
};

Error wrong(std::string message, std::string hint = {}) {
  return Error(Code::kInvalidArgument, std::move(message), std::move(hint));
}

Result<Options> read_options(const StepContext& step) {
  const Json& config = step.config();
  Options options;
  const std::string path = config["path"].as_string();
  if (path.empty()) return wrong("Step " + step.step_id() + ": 'path' is required in config");
  options.file = {path, files::output_file(step, path)};
  if (const auto other = files::suffix_of_another_kind(path, {".duckdb"}); !other.empty())
    return wrong("'path' ends in " + std::string(other) + ", and this component writes a DuckDB database file",
                 "end it in .duckdb or .db");
  options.table = config["table"].as_string();
  if (options.table.empty()) return wrong("'table' is required in config");
  options.schema = config["schema"].as_string_or("main");
  const std::string mode = config["write_mode"].as_string_or("replace");
  if (mode != "replace" && mode != "append") return wrong("'write_mode' must be replace or append, not '" + mode + "'");
  options.appends = mode == "append";
  const std::string drift = config["schema_drift"].as_string_or("freeze");
  if (drift != "freeze" && drift != "evolve" && drift != "discard_columns")
    return wrong("'schema_drift' must be freeze, evolve or discard_columns, not '" + drift + "'");
  options.new_columns = drift == "evolve"            ? NewColumns::kEvolve
                        : drift == "discard_columns" ? NewColumns::kDiscard
                                                     : NewColumns::kFreeze;
  options.create_dirs = config["create_dirs"].as_bool(true);
  return options;
}

std::string source_of(const StepContext& step) { return sql::quote_identifier(step.inputs().front().name); }

// The input's columns; one that never had a value is text.
Result<std::vector<FileColumn>> columns_of(StepContext& step) {
  OSIRIS_ASSIGN(std::vector<FileColumn> columns, input_columns(step.connection_handle(), step.inputs().front(),
                                                               FileFormat::kNdjson, FileReader::kWorker));
  for (FileColumn& column : columns)
    if (is_untyped(column.type)) column.type = ColumnType::plain(DUCKDB_TYPE_VARCHAR);
  return columns;
}

// The file beside the target in which the changes are made.
class Copy {
 public:
  Copy(StepContext& step, const Options& options) : step_(step), options_(options), file_(options.file.target) {}
  ~Copy() {
    engine_.reset();
    std::error_code ignored;
    if (!file_.temporary().empty()) fs::remove(file_.temporary() + ".wal", ignored);
  }

  Result<EngineFile*> open() {
    OSIRIS_TRY(file_.open(options_.create_dirs));
    std::error_code code;
    const fs::path& target = options_.file.target;
    if (fs::exists(target, code)) {
      OSIRIS_TRY(copy_old());
    } else {
      fs::remove(file_.temporary(), code);  // the engine makes it
    }
    OSIRIS_ASSIGN(engine_, EngineFile::open(step_, file_.temporary(), EngineFile::Access::kWrite, options_.file.path));
    return engine_.get();
  }

  // All is written: one file, without a log beside it.
  Status put_in_place() {
    OSIRIS_TRY(sql::execute(engine_->connection(), "CHECKPOINT"));
    engine_.reset();
    std::error_code ignored;
    if (fs::exists(file_.temporary() + ".wal", ignored))
      return Error(Code::kInternal, options_.file.path + ": the engine left a log beside the file", "report it");
    return file_.commit();
  }

 private:
  // Open while it is copied, so that no process writes it.
  Status copy_old() {
    const fs::path& target = options_.file.target;
    std::error_code code;
    if (fs::file_size(target.native() + ".wal", code) > 0 && !code)
      return Error(Code::kUnavailable,
                   options_.file.path + " has a log beside it (" + target.filename().string() +
                       ".wal): a program has it open, or was ended before it closed it",
                   "close that program, or open and close the file with DuckDB once",
                   category::kSystemResourceUnavailable);
    OSIRIS_ASSIGN(const auto held, EngineFile::open(step_, target, EngineFile::Access::kRead, options_.file.path));
    return copy_into(target, file_);
  }

  StepContext& step_;
  const Options& options_;
  ReplacingFile file_;
  std::unique_ptr<EngineFile> engine_;
};

Status make_table(EngineFile& file, const Options& options, const std::vector<FileColumn>& columns) {
  std::string list;
  for (const FileColumn& column : columns)
    list += (list.empty() ? "" : ", ") + sql::quote_identifier(column.name) + " " + column.type.sql();
  OSIRIS_TRY(sql::execute(file.connection(), "CREATE SCHEMA IF NOT EXISTS " + sql::quote_identifier(options.schema)));
  OSIRIS_TRY(sql::execute(file.connection(), "DROP TABLE IF EXISTS " + options.quoted()));
  return sql::execute(file.connection(), "CREATE TABLE " + options.quoted() + " (" + list + ")");
}

// The rows' columns in the order of the table that they are added to, each of its type: nothing is converted. New ones
// are behind the table's own.
Result<std::vector<FileColumn>> in_tables_order(StepContext& step, EngineFile& file, const Options& options,
                                                const std::vector<FileColumn>& columns) {
  OSIRIS_ASSIGN(const std::vector<FileColumn> there, described(file.connection(), "SELECT * FROM " + options.quoted()));
  const auto differs = [&](const std::string& what) {
    return Error(Code::kInvalidArgument, options.file.path + ", table " + options.table + ": " + what,
                 "give the rows the table's columns and types in a SQL step before, or use write_mode: replace; "
                 "schema_drift: evolve adds new columns, discard_columns leaves them out",
                 category::kWriteFailed);
  };
  std::vector<FileColumn> ordered;
  const NameIndex places(columns, &FileColumn::name);
  for (const FileColumn& wanted : there) {
    const auto place = places.find(wanted.name);
    if (!place) return differs("the rows have no column '" + wanted.name + "'");
    const FileColumn& found = columns[*place];
    if (!(found.type == wanted.type))
      return differs("column '" + wanted.name + "' is " + wanted.type.sql() + " there and " + found.type.sql() +
                     " in the rows");
    ordered.push_back(found);
  }
  const NameIndex in_table(there, &FileColumn::name);
  for (const FileColumn& column : columns) {
    if (in_table.contains(column.name)) continue;
    if (options.new_columns == NewColumns::kFreeze) return differs("it has no column '" + column.name + "'");
    if (options.new_columns == NewColumns::kDiscard) {
      step.log("column '" + column.name + "' is left out: table " + options.table + " does not have it");
      continue;
    }
    OSIRIS_TRY(sql::execute(file.connection(), "ALTER TABLE " + options.quoted() + " ADD COLUMN " +
                                                   sql::quote_identifier(column.name) + " " + column.type.sql()));
    step.log("column '" + column.name + "' is added to table " + options.table);
    ordered.push_back(column);
  }
  return ordered;
}

Result<bool> has_table(EngineFile& file, const Options& options) {
  OSIRIS_ASSIGN(
      sql::QueryResult found,
      sql::run_query(file.connection(),
                     "SELECT count(*) FROM duckdb_tables() WHERE NOT internal AND lower(schema_name) = lower(" +
                         sql::quote_literal(options.schema) + ") AND lower(table_name) = lower(" +
                         sql::quote_literal(options.table) + ")"));
  return found.integer() > 0;
}

Result<uint64_t> write_rows_of(StepContext& step, const Options& options, EngineFile& file) {
  OSIRIS_ASSIGN(std::vector<FileColumn> columns, columns_of(step));
  bool adds = false;
  if (options.appends) {
    OSIRIS_ASSIGN(adds, has_table(file, options));
  }
  if (adds) {
    OSIRIS_ASSIGN(columns, in_tables_order(step, file, options, columns));
  } else {
    OSIRIS_TRY(make_table(file, options, columns));
  }
  std::string list;
  for (const FileColumn& column : columns)
    list +=
        (list.empty() ? "CAST(" : ", CAST(") + sql::quote_identifier(column.name) + " AS " + column.type.sql() + ")";
  return files::transfer_rows(step, step.connection_handle(), "SELECT " + list + " FROM " + source_of(step),
                              file.connection(), {"", options.schema, options.table});
}

Result<StepOutcome> write_input(StepContext& step) {
  OSIRIS_ASSIGN(const Options options, read_options(step));
  Copy copy(step, options);
  OSIRIS_ASSIGN(EngineFile* const file, copy.open());
  auto rows = write_rows_of(step, options, *file);
  if (!rows.ok()) {
    Error error = rows.error().code == Code::kStepFailed ? rows.error().within(options.file.path) : rows.error();
    if (error.category.empty()) error.category = category::kWriteFailed;
    return error;
  }
  OSIRIS_TRY(step.inputs_are_sound());
  if (step.is_cancelled()) return step_cancelled();
  OSIRIS_TRY(copy.put_in_place());
  OSIRIS_TRY(step.add_output(options.file, *rows));
  return StepOutcome{.rows_read = *rows, .rows_written = *rows};
}

Result<StepOutcome> write(StepContext& step) {
  if (step.is_cancelled()) return step_cancelled();
  OSIRIS_TRY(files::check_writes(step));
  auto outcome = write_input(step);
  if (!outcome.ok() && step.is_cancelled()) return step_cancelled();
  return outcome;
}

Status check(StepContext& step) {
  OSIRIS_ASSIGN(const Options options, read_options(step));
  return check_writable(options.file.target, options.create_dirs);
}

}  // namespace

const Driver& duckdb_writer() {
  static constexpr Driver driver{
      .name = "duckdb.writer", .run = write, .check = check, .describe = check, .reads_streams = true};
  return driver;
}

}  // namespace osiris::worker
