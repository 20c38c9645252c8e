// Rows that follow each other, as bytes of the file: what one thread formats while others format other rows.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "worker/driver_api/batch_writer.h"
#include "worker/drivers/filesystem.csv_writer/columns.h"
#include "worker/drivers/filesystem.csv_writer/options.h"
#include "worker/drivers/filesystem.csv_writer/row_formatter.h"
#include "worker/drivers/filesystem.csv_writer/timestamp_forms.h"

namespace osiris::worker::csv_out {

// The first value of a batch that the file cannot hold.
struct UnfitValue {
  uint64_t row = 0;  // of the batch, from 0
  std::string column;
  std::string character;  // described; empty: an infinity within JSON
  std::string hint;
  bool in_header = false;

  // `rows_before`: of the batches before this one.
  Error error(const Options& options, uint64_t rows_before) const;
};

class CsvBatch : public BatchWriter::Batch {
 public:
  // All outlive it. `forms`: of a stream's timestamps; null: they are known. `used`: bytes() of a batch before, whose
  // memory is written to again.
  CsvBatch(const Options& options, const std::vector<Column>& columns, TimestampForms* forms, std::string used = {})
      : options_(options), columns_(columns), forms_(forms), formatter_(options, columns), bytes_(std::move(used)) {}

  void add_header();
  // Nothing after an unfit value.
  void add(duckdb_data_chunk chunk) override;
  size_t size_bytes() const override { return end_; }

  std::string_view bytes() const { return std::string_view(bytes_).substr(0, end_); }
  std::string take_bytes() { return std::move(bytes_); }
  uint64_t rows() const { return rows_; }
  const std::optional<UnfitValue>& unfit() const { return unfit_; }
  // Timestamps are to be shown otherwise than they were.
  bool is_outdated() const { return is_outdated_; }

 private:
  void encode();
  size_t column_at(size_t row_start, size_t offset) const;

  const Options& options_;
  const std::vector<Column>& columns_;
  TimestampForms* const forms_;
  bool is_outdated_ = false;
  RowFormatter formatter_;
  std::string bytes_;  // in the file's encoding; behind `end_` there is room, which is not cleared each time
  size_t end_ = 0;
  std::string text_;              // UTF-8 on its way to another encoding
  std::vector<size_t> row_ends_;  // in text_
  uint64_t rows_ = 0;
  std::optional<UnfitValue> unfit_;
};

}  // namespace osiris::worker::csv_out
