#include "worker/drivers/filesystem.csv_writer/driver.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/base/categories.h"
#include "protocol/base/replacing_file.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/filesystem.csv_writer/byte_sink.h"
#include "worker/drivers/filesystem.csv_writer/columns.h"
#include "worker/drivers/filesystem.csv_writer/options.h"
#include "worker/drivers/filesystem.csv_writer/row_formatter.h"
#include "worker/drivers/filesystem.csv_writer/row_stream.h"

namespace osiris::worker {
namespace {

// A block is written early when wide rows make chunk_size of them larger than this.
constexpr size_t kBlockBytesMax = size_t{4} << 20;

Error cancelled() { return Error(Code::kCancelled, "the step was cancelled"); }

class CsvWrite {
 public:
  CsvWrite(StepContext& step, const csv_out::Options& options)
      : step_(step), options_(options), file_(options.file.target) {}

  Result<StepOutcome> run() {
    const std::string& relation = step_.inputs().front().name;
    OSIRIS_ASSIGN(columns_, csv_out::examine_columns(step_.connection_handle(), relation, options_));
    OSIRIS_TRY(file_.open(options_.create_dirs));
    sink_ = csv_out::make_sink(options_.compression, options_.file.path, file_);
    formatter_.emplace(options_, columns_);
    OSIRIS_TRY(sink_->write(csv_out::byte_order_mark(options_.encoding)));
    if (options_.header) {
      row_ends_.clear();
      formatter_->append_header(block_);
      OSIRIS_TRY(write_block());
    }
    OSIRIS_TRY(write_rows(csv_out::select_statement(columns_, relation)));
    if (step_.is_cancelled()) return cancelled();
    OSIRIS_TRY(sink_->finish());
    OSIRIS_TRY(file_.commit());
    report();
    OSIRIS_TRY(step_.add_output(options_.file, rows_));
    return StepOutcome{.rows_read = rows_, .rows_written = rows_};
  }

 private:
  Status write_rows(const std::string& statement) {
    csv_out::RowStream stream(step_.connection_handle());
    OSIRIS_TRY(stream.start(statement));
    for (;;) {
      OSIRIS_ASSIGN(const duckdb_data_chunk chunk, stream.next());
      if (!chunk) break;
      formatter_->use_chunk(chunk);
      for (idx_t row = 0, size = duckdb_data_chunk_get_size(chunk); row < size; ++row) {
        formatter_->append_row(row, block_);
        if (formatter_->unfit()) return not_json(*formatter_->unfit());
        if (options_.encoding != csv_out::Encoding::kUtf8) row_ends_.push_back(block_.size());
        if (++rows_ % options_.chunk_size == 0 || block_.size() > kBlockBytesMax) OSIRIS_TRY(end_block());
      }
    }
    return end_block();
  }

  Status end_block() {
    OSIRIS_TRY(write_block());
    if (step_.is_cancelled()) return cancelled();
    report();
    return {};
  }

  // How many bytes it will be is not known; how many rows is.
  void report() {
    step_.progress(rows_);
    step_.progress_bytes(file_.bytes_written(), 0);
  }

  Status write_block() {
    if (options_.encoding == csv_out::Encoding::kUtf8) {
      OSIRIS_TRY(sink_->write(block_));
    } else {
      encoded_.clear();
      const size_t stopped = csv_out::encode(options_.encoding, block_, encoded_);
      if (stopped != std::string::npos) return not_encodable(stopped);
      OSIRIS_TRY(sink_->write(encoded_));
    }
    block_.clear();
    row_ends_.clear();
    return {};
  }

  Error not_json(const csv_out::Column& column) const {
    return Error(Code::kStepFailed,
                 "row " + std::to_string(rows_ + 1) + ", column '" + column.name +
                     "': an infinity in a list, struct or map, which is written as JSON, and JSON has none",
                 "replace it by NULL, or cast the column to VARCHAR, in a SQL step", category::kWriteFailed);
  }

  // Names the row (from 1, without the header) and the column of the character at `offset` of the block.
  Error not_encodable(size_t offset) const {
    const auto row =
        static_cast<size_t>(std::upper_bound(row_ends_.begin(), row_ends_.end(), offset) - row_ends_.begin());
    const std::string where =
        row_ends_.empty() ? "header" : "row " + std::to_string(rows_ - row_ends_.size() + row + 1);
    const size_t row_start = row == 0 ? 0 : row_ends_[row - 1];
    size_t column = 0;
    bool quoted = false;
    for (size_t at = row_start; at < offset; ++at) {
      if (quoted && options_.escape != '\0' && block_[at] == options_.escape) {
        ++at;  // the next one is text
        continue;
      }
      quoted ^= block_[at] == options_.quote;
      column += !quoted && block_[at] == options_.delimiter;
    }
    return Error(Code::kStepFailed,
                 "CSV encoding error (" + options_.encoding_name + "): " + where + ", column '" +
                     columns_[column].name + "': " + csv_out::describe_character(block_, offset) + " cannot be written",
                 csv_out::hint_of_character(options_.encoding, block_, offset), category::kWriteFailed);
  }

  StepContext& step_;
  const csv_out::Options& options_;
  ReplacingFile file_;
  std::unique_ptr<csv_out::ByteSink> sink_;
  std::vector<csv_out::Column> columns_;
  std::optional<csv_out::RowFormatter> formatter_;
  std::string block_, encoded_;
  std::vector<size_t> row_ends_;  // in block_; kept only when a character may not fit the encoding
  uint64_t rows_ = 0;
};

Result<StepOutcome> write(StepContext& step) {
  if (step.is_cancelled()) return cancelled();
  if (step.inputs().empty())
    return Error(Code::kInvalidArgument,
                 "Step " + step.step_id() + ": FilesystemCsvWriterDriver requires inputs with DataFrame",
                 "name the step to write in `needs`");
  OSIRIS_ASSIGN(const csv_out::Options options, csv_out::read_options(step));
  auto outcome = CsvWrite(step, options).run();
  if (!outcome.ok() && step.is_cancelled()) return cancelled();
  return outcome;
}

// It makes no output; what it is told of its columns must fit its input's, and its file must have a place.
Status describe(StepContext& step) {
  OSIRIS_ASSIGN(const csv_out::Options options, csv_out::read_options(step));
  OSIRIS_TRY(check_writable(options.file.target, options.create_dirs));
  if (step.inputs().empty()) return {};
  return csv_out::check_columns(step.connection_handle(), step.inputs().front().name, options);
}

Status check(StepContext& step) {
  OSIRIS_ASSIGN(const csv_out::Options options, csv_out::read_options(step));
  return check_writable(options.file.target, options.create_dirs);
}

}  // namespace

const Driver& filesystem_csv_writer() {
  static constexpr Driver driver{"filesystem.csv_writer", write, check, describe};
  return driver;
}

}  // namespace osiris::worker
