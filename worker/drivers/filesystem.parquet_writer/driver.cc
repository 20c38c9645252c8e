#include "worker/drivers/filesystem.parquet_writer/driver.h"

#include <string>
#include <vector>

#include "protocol/base/categories.h"
#include "protocol/base/replacing_file.h"
#include "worker/driver_api/file_columns.h"
#include "worker/driver_api/watched.h"
#include "worker/drivers/files/columns.h"
#include "worker/drivers/files/partition_columns.h"
#include "worker/drivers/files/places.h"
#include "worker/drivers/filesystem.parquet_writer/options.h"
#include "worker/drivers/filesystem.parquet_writer/partitions.h"
#include "worker/drivers/remote/output_directory.h"
#include "worker/drivers/remote/outputs.h"

namespace osiris::worker {
namespace {

using parquet_out::Options;

// The columns as the file will have them; those kept as another type are lines of the log.
Result<std::vector<FileColumn>> columns_of(StepContext& step, const Options& options) {
  auto all = input_columns(step.connection_handle(), step.inputs().front(), FileFormat::kParquet, FileReader::kScript);
  if (!all.ok()) {
    Error error = all.error();
    if (error.category.empty()) error.category = category::kWriteFailed;
    return error;
  }
  OSIRIS_ASSIGN(std::vector<FileColumn> columns, files::chosen_columns(*all, options.columns));
  for (const FileColumn& column : columns)
    if (column.is_kept_otherwise() && !is_untyped(column.type))
      step.log("column '" + column.name + "': " + column.type.sql() + " is kept as " + column.in_file.sql());
  return columns;
}

Result<uint64_t> copy(StepContext& step, const Options& options, const std::vector<FileColumn>& columns,
                      const std::string& file) {
  const Input& input = step.inputs().front();
  const std::string source = sql::quote_identifier(input.name);
  auto rows = count_watched(
      step,
      copy_statement(source, columns, FileFormat::kParquet, file, ", USE_TMP_FILE false" + options.copy_options()),
      input.rows);
  if (rows.ok()) return rows;
  Error error = copy_error(step.connection_handle(), source, columns, FileFormat::kParquet, rows.error());
  if (error.category.empty()) error.category = category::kWriteFailed;
  return error;
}

Result<StepOutcome> write_input(StepContext& step, const Options& options) {
  OSIRIS_ASSIGN(const std::vector<FileColumn> columns, columns_of(step, options));
  if (!options.partition_by.empty()) {
    if (step.inputs().front().is_streamed)
      return Error(Code::kUnsupported, "the values that name directories are looked at first");
    return parquet_out::write_partitions(step, options, columns);
  }
  ReplacingFile file(options.file.target);
  OSIRIS_TRY(file.open(options.create_dirs));
  step.may_write(file.temporary());
  OSIRIS_ASSIGN(const uint64_t rows, copy(step, options, columns, file.temporary()));
  OSIRIS_TRY(step.inputs_are_sound());
  if (step.is_cancelled()) return step_cancelled();
  OSIRIS_TRY(file.commit());
  OSIRIS_TRY(remote::deliver(step, options.file, rows));
  return StepOutcome{.rows_read = rows, .rows_written = rows};
}

Result<StepOutcome> write(StepContext& step) {
  if (step.is_cancelled()) return step_cancelled();
  OSIRIS_TRY(files::check_writes(step));
  OSIRIS_ASSIGN(const Options options, parquet_out::read_options(step));
  auto outcome = write_input(step, options);
  if (!outcome.ok() && step.is_cancelled()) return step_cancelled();
  return outcome;
}

Status check_place(const Options& options) {
  return remote::check_place(options.file, !options.partition_by.empty(), options.create_dirs);
}

// It makes no output; what it is told of its columns must fit its input's, and its file must have a place.
Status describe(StepContext& step) {
  OSIRIS_ASSIGN(const Options options, parquet_out::read_options(step));
  OSIRIS_TRY(check_place(options));
  if (step.inputs().empty()) return {};
  OSIRIS_ASSIGN(const std::vector<FileColumn> columns, columns_of(step, options));
  return options.partition_by.empty() ? Status() : files::check_partitions(step, options.partition_by, columns);
}

Status check(StepContext& step) {
  OSIRIS_ASSIGN(const Options options, parquet_out::read_options(step));
  OSIRIS_TRY(remote::check_access(step, options.file));
  return check_place(options);
}

}  // namespace

const Driver& filesystem_parquet_writer() {
  static constexpr Driver driver{
      .name = "filesystem.parquet_writer", .run = write, .check = check, .describe = describe, .reads_streams = true};
  return driver;
}

}  // namespace osiris::worker
