// Rows as the text that a server takes: lines of LOAD DATA, or the rows of a VALUES list.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/driver_api/batch_writer.h"
#include "worker/drivers/db/fingerprint.h"
#include "worker/drivers/mysql.writer/column_plan.h"

namespace osiris::worker::mysql {

// Why a value was refused.
struct Unfit {
  uint64_t row = 0;  // of the batch, from 0
  std::string column;
  std::string what;
  std::string hint = "CAST or filter it in the step before";
};

enum class RowForm { kLines, kValues };

class RowText : public BatchWriter::Batch {
 public:
  // `plans` outlive it. `row_bytes_max`: that the text of a row may have.
  RowText(const std::vector<ColumnPlan>& plans, RowForm form, size_t row_bytes_max, bool keeps_fingerprint)
      : plans_(plans), form_(form), row_bytes_max_(row_bytes_max) {
    if (keeps_fingerprint) sum_.emplace(plans.size());
  }

  void add(duckdb_data_chunk chunk) override;
  size_t size_bytes() const override { return text_.size(); }
  const std::string& text() const { return text_; }
  const std::vector<size_t>& ends() const { return ends_; }  // of each row in text()
  const std::optional<Unfit>& unfit() const { return unfit_; }
  const std::optional<db::Fingerprint>& fingerprint() const { return sum_; }

 private:
  void add_value(const ColumnPlan& plan, std::string_view value);
  std::optional<Unfit> too_large(const ColumnPlan& plan, size_t value_bytes, size_t row_bytes) const;

  const std::vector<ColumnPlan>& plans_;
  const RowForm form_;
  const size_t row_bytes_max_;
  std::string text_;
  std::vector<size_t> ends_;
  std::optional<Unfit> unfit_;
  std::optional<db::Fingerprint> sum_;
};

}  // namespace osiris::worker::mysql
