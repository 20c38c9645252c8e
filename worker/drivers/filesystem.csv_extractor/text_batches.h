// The rows of a scan's files as batches, without a statement of the engine's: each is one block of text, which the
// thread that formats the rows splits and converts, so that memory holds one block for each thread however slow the
// writer is.
#pragma once

#include <duckdb.h>

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "worker/driver_api/chunk_batches.h"
#include "worker/drivers/filesystem.csv_extractor/text_rows.h"

namespace osiris::worker::csv {

class TextBatches {
 public:
  // Opens the first file. `places`: the columns that are read. `state` and `connection` outlive it.
  static Result<std::unique_ptr<TextBatches>> open(ScanState& state, duckdb_connection connection,
                                                   const std::vector<size_t>& places);

  // As ChunkBatches::take_batch().
  Result<std::unique_ptr<ChunkBatches::Batch>> take();
  // All batches were taken and read: the scan is complete.
  void end();

 private:
  class Lent;

  TextBatches(ScanState& state, duckdb::ClientContext& context, const std::vector<size_t>& places);
  void give_back(std::unique_ptr<ScanRows> rows, bool is_read);

  ScanState& state_;
  duckdb::ClientContext& context_;
  ScanText text_;
  std::vector<TextRead> reads_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<ScanRows>> used_;  // of batches that are read: with their memory
  bool is_ended_ = false, is_cut_ = false;       // all were taken; one of them was not read to its end
};

}  // namespace osiris::worker::csv
