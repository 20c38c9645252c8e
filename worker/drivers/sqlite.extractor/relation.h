// The rows of a statement as chunks of the engine's: for the step's output relation, or for the statement of the step
// that reads them.
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "worker/driver_api/chunk_scan.h"
#include "worker/drivers/sqlite.extractor/columns.h"

namespace osiris::worker::sqlite_in {

// Decides the types that declarations leave open, by a look at all rows, up to `limit`.
Status settle_types(StepContext& step, Statement& statement, std::vector<Column>& columns, uint64_t limit);

// All outlive it. A value that its column's type does not hold exactly is an error with its row.
class Rows : public ChunkSource {
 public:
  Rows(StepContext& step, Statement& statement, const std::vector<Column>& columns, uint64_t limit);
  ~Rows() override;
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  Result<duckdb_data_chunk> next() override;
  uint64_t count() const { return rows_; }
  bool is_complete() const { return is_complete_; }
  // What ended them early; none where the step was cancelled.
  const std::optional<Error>& failure() const { return failure_; }
  // Of their types.
  duckdb_data_chunk chunk() { return chunk_; }

 private:
  // Where the values of a column go in the chunk at hand.
  struct Slot {
    duckdb_vector vector = nullptr;
    void* data = nullptr;
  };
  Result<idx_t> fill();
  Status put(int place, idx_t at);
  void put_bytes(int place, idx_t at, const void* bytes);
  template <class Value>
  Status put_value(int place, idx_t at, Value value) {
    static_cast<Value*>(slots_[static_cast<size_t>(place)].data)[at] = value;
    return {};
  }

  StepContext& step_;
  Statement& statement_;
  const std::vector<Column>& columns_;
  const uint64_t limit_;
  duckdb_data_chunk chunk_ = nullptr;
  std::vector<Slot> slots_;
  size_t bytes_ = 0;  // of texts in the chunk
  uint64_t rows_ = 0;
  bool has_ended_ = false, is_complete_ = false;  // the statement; and that was told
  std::optional<Error> failure_;
};

// Makes output_table() of all rows. On error no table is left.
Status store_rows(StepContext& step, Rows& rows, const std::vector<Column>& columns);

}  // namespace osiris::worker::sqlite_in
