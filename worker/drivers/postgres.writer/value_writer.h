// Values of a relation as binary COPY has them. A value that its column cannot hold exactly is refused, never changed.
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "worker/driver_api/batch_writer.h"
#include "worker/drivers/postgres.writer/byte_buffer.h"
#include "worker/drivers/postgres.writer/column_plan.h"
#include "worker/drivers/postgres.writer/copied_rows.h"

namespace osiris::worker::postgres {

// Why a value was refused.
struct Unfit {
  uint64_t row = 0;  // of the batch, from 0
  std::string column;
  std::string what;
};

// Rows that follow each other, as they will be sent; nothing after a value that was refused.
class RowBatch : public BatchWriter::Batch {
 public:
  // `plans` outlive it. `compares`: what is sent is compared with what the table holds. `used`: take_bytes() of a batch
  // before, whose memory is written to again.
  RowBatch(const std::vector<ColumnPlan>& plans, bool compares, ByteBuffer used = {})
      : plans_(plans), bytes_(std::move(used)) {
    bytes_.clear();
    if (compares) sum_.emplace(plans);
  }

  void add(duckdb_data_chunk chunk) override;
  size_t size_bytes() const override { return bytes_.size(); }
  std::string_view bytes() const { return bytes_.view(); }
  ByteBuffer take_bytes() { return std::move(bytes_); }
  uint64_t rows() const { return rows_; }
  const std::optional<Unfit>& unfit() const { return unfit_; }
  const std::optional<CopiedRows>& sum() const { return sum_; }

 private:
  void add_rows(duckdb_data_chunk chunk);

  const std::vector<ColumnPlan>& plans_;
  ByteBuffer bytes_;
  std::optional<CopiedRows> sum_;
  uint64_t rows_ = 0;
  std::optional<Unfit> unfit_;
};

}  // namespace osiris::worker::postgres
