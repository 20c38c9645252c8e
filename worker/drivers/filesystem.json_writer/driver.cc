#include "worker/drivers/filesystem.json_writer/driver.h"

#include <memory>
#include <string>
#include <vector>

#include "protocol/base/categories.h"
#include "protocol/base/replacing_file.h"
#include "worker/driver_api/batch_writer.h"
#include "worker/driver_api/file_columns.h"
#include "worker/drivers/files/byte_sink.h"
#include "worker/drivers/files/columns.h"
#include "worker/drivers/files/partition_columns.h"
#include "worker/drivers/files/places.h"
#include "worker/drivers/filesystem.json_writer/options.h"
#include "worker/drivers/filesystem.json_writer/partitions.h"
#include "worker/drivers/remote/output_directory.h"
#include "worker/drivers/remote/outputs.h"

namespace osiris::worker {
namespace {

using json_out::Options;

constexpr std::string_view kBetween = ",\n";

// Rows as text, each with what stands before it in an array or after it on a line.
class JsonBatch : public BatchWriter::Batch {
 public:
  explicit JsonBatch(bool is_lines) : is_lines_(is_lines) {}

  void add(duckdb_data_chunk chunk) override {
    const auto* texts = static_cast<duckdb_string_t*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0)));
    const idx_t rows = duckdb_data_chunk_get_size(chunk);
    for (idx_t row = 0; row < rows; ++row) {
      duckdb_string_t text = texts[row];
      if (!is_lines_) bytes_ += kBetween;
      bytes_.append(duckdb_string_t_data(&text), duckdb_string_t_length(text));
      if (is_lines_) bytes_ += '\n';
    }
    rows_ += rows;
  }
  size_t size_bytes() const override { return bytes_.size(); }
  const std::string& bytes() const { return bytes_; }
  uint64_t rows() const { return rows_; }

 private:
  const bool is_lines_;
  std::string bytes_;
  uint64_t rows_ = 0;
};

class JsonWrite : public BatchWriter {
 public:
  JsonWrite(StepContext& step, const Options& options) : step_(step), options_(options), file_(options.file.target) {}

  Result<StepOutcome> run(const std::vector<FileColumn>& columns) {
    OSIRIS_ASSIGN(const std::string select, select_of(columns));
    OSIRIS_TRY(file_.open(options_.create_dirs));
    file_.keep_digest();
    sink_ = files::make_sink(options_.compression, options_.file.path, file_);
    if (!options_.is_lines) OSIRIS_TRY(sink_->write("["));
    OSIRIS_ASSIGN(const uint64_t rows,
                  write_rows(step_.connection_handle(), select, *this, step_.inputs().front().is_streamed));
    if (!options_.is_lines) OSIRIS_TRY(sink_->write(rows == 0 ? "]\n" : "\n]\n"));
    OSIRIS_TRY(step_.inputs_are_sound());
    if (step_.is_cancelled()) return step_cancelled();
    OSIRIS_TRY(sink_->finish());
    OSIRIS_TRY(file_.commit());
    step_.progress(rows);
    OSIRIS_TRY(remote::deliver(step_, options_.file, rows, file_.digest()));
    return StepOutcome{.rows_read = rows, .rows_written = rows};
  }

  std::unique_ptr<Batch> begin() override { return std::make_unique<JsonBatch>(options_.is_lines); }

  Status write(Batch& written) override {
    if (step_.is_cancelled()) return step_cancelled();
    const auto& batch = static_cast<JsonBatch&>(written);
    std::string_view bytes = batch.bytes();
    // Before the first record of an array there is only the line end.
    if (!options_.is_lines && rows_ == 0 && !bytes.empty()) bytes.remove_prefix(1);
    OSIRIS_TRY(sink_->write(bytes));
    rows_ += batch.rows();
    step_.progress(rows_);
    step_.progress_bytes(file_.bytes_written(), 0);
    return {};
  }

 private:
  Result<std::string> select_of(const std::vector<FileColumn>& columns) {
    const Input& input = step_.inputs().front();
    const std::string source = sql::quote_identifier(input.name);
    if (input.is_streamed) return checking_json_select(source, columns);
    OSIRIS_TRY(check_json_numbers(step_.connection_handle(), source, columns));
    return json_select(source, columns);
  }

  StepContext& step_;
  const Options& options_;
  ReplacingFile file_;
  std::unique_ptr<files::ByteSink> sink_;
  uint64_t rows_ = 0;  // written
};

Result<std::vector<FileColumn>> columns_of(StepContext& step, const Options& options) {
  OSIRIS_ASSIGN(const std::vector<FileColumn> all, input_columns(step.connection_handle(), step.inputs().front(),
                                                                 FileFormat::kNdjson, FileReader::kScript));
  return files::chosen_columns(all, options.columns);
}

Result<StepOutcome> write_input(StepContext& step) {
  OSIRIS_ASSIGN(const Options options, json_out::read_options(step));
  OSIRIS_ASSIGN(const std::vector<FileColumn> columns, columns_of(step, options));
  if (!options.partition_by.empty()) return json_out::write_partitions(step, options, columns);
  return JsonWrite(step, options).run(columns);
}

Result<StepOutcome> write(StepContext& step) {
  if (step.is_cancelled()) return step_cancelled();
  OSIRIS_TRY(files::check_writes(step));
  auto outcome = write_input(step);
  if (outcome.ok()) return outcome;
  if (step.is_cancelled()) return step_cancelled();
  Error error = outcome.error();
  if (error.category.empty() && error.code == Code::kStepFailed) error.category = category::kWriteFailed;
  return error;
}

Status check_place(const Options& options) {
  return remote::check_place(options.file, !options.partition_by.empty(), options.create_dirs);
}

// It makes no output; what it is told of its columns must fit its input's, and its file must have a place.
Status describe(StepContext& step) {
  OSIRIS_ASSIGN(const Options options, json_out::read_options(step));
  OSIRIS_TRY(check_place(options));
  if (step.inputs().empty()) return {};
  OSIRIS_ASSIGN(const std::vector<FileColumn> columns, columns_of(step, options));
  return options.partition_by.empty() ? Status() : files::check_partitions(step, options.partition_by, columns);
}

Status check(StepContext& step) {
  OSIRIS_ASSIGN(const Options options, json_out::read_options(step));
  OSIRIS_TRY(remote::check_access(step, options.file));
  return check_place(options);
}

}  // namespace

const Driver& filesystem_json_writer() {
  static constexpr Driver driver{.name = "filesystem.json_writer",
                                 .run = write,
                                 .check = check,
                                 .describe = describe,
                                 .reads_streams = true,
                                 .writes_batches = true};
  return driver;
}

}  // namespace osiris::worker
