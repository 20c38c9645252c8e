#include "worker/drivers/filesystem.parquet_writer/partitions.h"

#include <filesystem>
#include <vector>

#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/base/file_pattern.h"
#include "protocol/base/text.h"
#include "worker/driver_api/watched.h"
#include "worker/drivers/files/partition_columns.h"
#include "worker/drivers/files/places.h"
#include "worker/drivers/remote/output_directory.h"

namespace osiris::worker::parquet_out {
namespace {

namespace fs = std::filesystem;
using sql::quote_identifier;

// A relation without rows is one file without rows, so that its columns are not lost.
Status write_schema(StepContext& step, const Options& options, const std::vector<FileColumn>& columns,
                    const fs::path& directory) {
  std::vector<FileColumn> others;
  const fs::path place = directory / files::null_directory(options.partition_by);
  for (const FileColumn& column : columns)
    if (!files::is_partition(options.partition_by, column)) others.push_back(column);
  OSIRIS_TRY(make_directories(place));
  return write_file(step.connection_handle(), files::input_source(step), others, FileFormat::kParquet,
                    place / "data_0.parquet", options.copy_options());
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
                    copy_statement(files::input_source(step), columns, FileFormat::kParquet, directory,
                                   ", PARTITION_BY (" + keys + "), OVERWRITE_OR_IGNORE true" + options.copy_options()),
                    step.inputs().front().rows);
  if (rows.ok()) return rows;
  Error error =
      copy_error(step.connection_handle(), files::input_source(step), columns, FileFormat::kParquet, rows.error());
  if (error.category.empty()) error.category = category::kWriteFailed;
  return error;
}

}  // namespace

Result<StepOutcome> write_partitions(StepContext& step, const Options& options,
                                     const std::vector<FileColumn>& columns) {
  OSIRIS_TRY(files::check_partitions(step, options.partition_by, columns));
  remote::OutputDirectory directory(step, options.file);
  OSIRIS_TRY(directory.open(options.create_dirs, {".parquet"}));
  OSIRIS_ASSIGN(const uint64_t rows, copy(step, options, columns, directory.staging()));
  if (rows == 0) OSIRIS_TRY(write_schema(step, options, columns, directory.staging()));
  OSIRIS_TRY(step.inputs_are_sound());
  OSIRIS_ASSIGN(const std::vector<fs::path> staged, files_below(directory.staging()));
  std::vector<remote::WrittenFile> written;
  for (const fs::path& file : staged) {
    OSIRIS_ASSIGN(const uint64_t count, rows_of(step, file));
    written.push_back({file.lexically_relative(directory.staging()).native(), count});
  }
  if (step.is_cancelled()) return step_cancelled();
  OSIRIS_TRY(directory.deliver(written));
  return StepOutcome{.rows_read = rows, .rows_written = rows};
}

}  // namespace osiris::worker::parquet_out
