#include "worker/drivers/filesystem.csv_writer/driver.h"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/base/categories.h"
#include "protocol/base/replacing_file.h"
#include "worker/driver_api/batch_writer.h"
#include "worker/drivers/files/byte_sink.h"
#include "worker/drivers/filesystem.csv_writer/columns.h"
#include "worker/drivers/filesystem.csv_writer/csv_batch.h"
#include "worker/drivers/filesystem.csv_writer/options.h"
#include "worker/drivers/remote/outputs.h"

namespace osiris::worker {
namespace {

constexpr size_t kUsedBytesMax = size_t{32} << 20;  // of one batch, to be written to again

class CsvWrite : public BatchWriter {
 public:
  CsvWrite(StepContext& step, const csv_out::Options& options)
      : step_(step), options_(options), file_(options.file.target), next_report_(options.chunk_size) {}

  Result<StepOutcome> run() {
    OSIRIS_ASSIGN(columns_, csv_out::examine_columns(step_.connection_handle(), step_.inputs().front(), options_));
    if (step_.inputs().front().is_streamed) forms_.emplace(columns_);
    OSIRIS_TRY(file_.open(options_.create_dirs));
    file_.keep_digest();
    sink_ = files::make_sink(options_.compression, options_.file.path, file_);
    OSIRIS_TRY(sink_->write(csv_out::byte_order_mark(options_.encoding)));
    if (options_.header) {
      csv_out::CsvBatch header(options_, columns_, nullptr);
      header.add_header();
      OSIRIS_TRY(write_batch(header));
    }
    OSIRIS_ASSIGN(const uint64_t rows, write_rows(step_, csv_out::written_columns(columns_), *this));
    OSIRIS_TRY(step_.inputs_are_sound());
    if (step_.is_cancelled()) return step_cancelled();
    OSIRIS_TRY(sink_->finish());
    OSIRIS_TRY(file_.commit());
    report(rows);
    OSIRIS_TRY(remote::deliver(step_, options_.file, rows, file_.digest()));
    return StepOutcome{.rows_read = rows, .rows_written = rows};
  }

  std::unique_ptr<Batch> begin() override {
    std::string used;
    {
      const std::lock_guard lock(used_mutex_);
      if (!used_.empty()) {
        used = std::move(used_.back());
        used_.pop_back();
      }
    }
    return std::make_unique<csv_out::CsvBatch>(options_, columns_, forms_ ? &*forms_ : nullptr, std::move(used));
  }

  Status write(Batch& batch) override {
    auto& formatted = static_cast<csv_out::CsvBatch&>(batch);
    OSIRIS_TRY(write_batch(formatted));
    std::string used = formatted.take_bytes();
    const std::lock_guard lock(used_mutex_);
    if (used.capacity() <= kUsedBytesMax) used_.push_back(std::move(used));
    return {};
  }

 private:
  Status write_batch(const csv_out::CsvBatch& batch) {
    if (step_.is_cancelled()) return step_cancelled();
    if (batch.is_outdated()) return Error(Code::kUnavailable, "timestamps are shown as all rows want it");
    if (const auto& unfit = batch.unfit()) return unfit->error(options_, rows_);
    OSIRIS_TRY(sink_->write(batch.bytes()));
    rows_ += batch.rows();
    for (; next_report_ <= rows_; next_report_ += options_.chunk_size) {
      report(next_report_);
      if (step_.is_cancelled()) return step_cancelled();
    }
    return {};
  }

  // How many bytes it will be is not known; how many rows is.
  void report(uint64_t rows) {
    step_.progress(rows);
    step_.progress_bytes(file_.bytes_written(), 0);
  }

  StepContext& step_;
  const csv_out::Options& options_;
  ReplacingFile file_;
  std::unique_ptr<files::ByteSink> sink_;
  std::vector<csv_out::Column> columns_;
  std::optional<csv_out::TimestampForms> forms_;
  std::mutex used_mutex_;
  std::vector<std::string> used_;  // of batches that are written: memory of megabytes, mapped by now
  uint64_t rows_ = 0;              // written
  uint64_t next_report_;
};

Result<StepOutcome> write(StepContext& step) {
  if (step.is_cancelled()) return step_cancelled();
  if (step.inputs().empty())
    return Error(Code::kInvalidArgument,
                 "Step " + step.step_id() + ": FilesystemCsvWriterDriver requires inputs with DataFrame",
                 "name the step to write in `needs`");
  OSIRIS_ASSIGN(const csv_out::Options options, csv_out::read_options(step));
  auto outcome = CsvWrite(step, options).run();
  if (!outcome.ok() && step.is_cancelled()) return step_cancelled();
  return outcome;
}

// It makes no output; what it is told of its columns must fit its input's, and its file must have a place.
Status describe(StepContext& step) {
  OSIRIS_ASSIGN(const csv_out::Options options, csv_out::read_options(step));
  OSIRIS_TRY(remote::check_output(options.file, options.create_dirs));
  if (step.inputs().empty()) return {};
  return csv_out::check_columns(step.connection_handle(), step.inputs().front().name, options);
}

Status check(StepContext& step) {
  OSIRIS_ASSIGN(const csv_out::Options options, csv_out::read_options(step));
  OSIRIS_TRY(remote::check_access(step, options.file));
  return remote::check_output(options.file, options.create_dirs);
}

}  // namespace

const Driver& filesystem_csv_writer() {
  static constexpr Driver driver{.name = "filesystem.csv_writer",
                                 .run = write,
                                 .check = check,
                                 .describe = describe,
                                 .reads_streams = true,
                                 .writes_batches = true};
  return driver;
}

}  // namespace osiris::worker
