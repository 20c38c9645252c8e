// Rows of a scan's files, as one of its threads makes them: blocks of text, the texts of their records, and the values
// of these. Needs DuckDB's C++ API.
#pragma once

#include <duckdb.hpp>

#include <memory>
#include <utility>
#include <vector>

#include "worker/drivers/filesystem.csv_extractor/file_blocks.h"
#include "worker/drivers/filesystem.csv_extractor/record_fields.h"
#include "worker/drivers/filesystem.csv_extractor/scan_thread.h"
#include "worker/drivers/filesystem.csv_extractor/text_scan.h"

namespace osiris::worker::csv {

// The engine's type of a column.
duckdb::LogicalType engine_type(const ScanColumn& column);

struct TextRead {
  size_t column;                                          // of the plan
  duckdb::idx_t out = duckdb::DConstants::INVALID_INDEX;  // in the chunk that is given; none: only looked at
};

// `wanted`, and after them the columns that are looked at although nothing asks for them: each that the state must
// convert, or the first where there would be none. The state is told of all of them.
std::vector<TextRead> reads_of(ScanState& state, std::vector<TextRead> wanted);

// The text of all files, which the threads share.
class ScanText {
 public:
  ScanText(duckdb::ClientContext& context, const ScanPlan& plan);

  // [any thread] As FileBlocks::next().
  Result<bool> next(TextBlock& block) { return blocks_.next(block); }
  uint64_t bytes() const { return bytes_; }
  double percent() const;

 private:
  RecordBlocks::Read reader_of(duckdb::ClientContext& context, const ScanPlan& plan, size_t number);

  std::shared_ptr<duckdb::FileHandle> first_;  // until it is read
  const uint64_t bytes_;
  FileBlocks blocks_;
};

class ScanRows {
 public:
  // All outlive it.
  ScanRows(ScanState& state, duckdb::ClientContext& context, const ScanText& text, const std::vector<TextRead>& reads);

  TextBlock& block() { return block_; }
  // block() has been filled. Throws where its text is not for this reader.
  void begin_block();
  // Some rows of the block, or none once values do not fit. False: there are none left. Throws where a record or a
  // value does not fit, or the step is to stop.
  bool read(duckdb::DataChunk& out);
  ScanState::Thread& thread() { return thread_; }

 private:
  void put_record(duckdb::idx_t row);
  bool read_records();
  void give(duckdb::DataChunk& out);

  ScanState& state_;
  const ScanText& text_;
  const std::vector<TextRead>& reads_;
  ScanState::Thread thread_;
  TextBlock block_;
  RecordFields records_;  // of the block
  bool has_records_ = false;
  duckdb::DataChunk texts_;
  std::vector<duckdb::string_t*> slots_;  // of the columns of `texts_`
  std::vector<bool> points_;              // which of them point into the block
};

}  // namespace osiris::worker::csv
