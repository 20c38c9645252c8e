// The fingerprint of rows in the form of binary COPY: as they were sent, or as the server gives them back. The server
// writes some values otherwise than they came, and these are brought into one form: digits of a numeric without the
// zeros at its ends, a char(n) without the blanks at its end, jsonb by its value, xml without its declaration.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"
#include "worker/drivers/db/fingerprint.h"
#include "worker/drivers/postgres.writer/column_plan.h"

namespace osiris::worker::postgres {

class CopiedRows {
 public:
  // `plans` outlive it.
  explicit CopiedRows(const std::vector<ColumnPlan>& plans);

  // More rows of the same columns.
  void add(const CopiedRows& others) { sum_.add(others.sum_); }
  // Whole rows, without the header of a COPY and what ends it.
  Status add(std::string_view rows);
  // A COPY as it comes, which begins with begin_copy(), in pieces of any size; the bytes that were taken. What is left
  // is the beginning of what is given next.
  void begin_copy() { has_header_ = is_ended_ = false; }
  Result<size_t> take(std::string_view bytes);
  bool is_ended() const { return is_ended_; }

  const db::Fingerprint& fingerprint() const { return sum_; }

 private:
  // The bytes of the next row, whose values' sizes are in `sizes_` then; 0: it is not all there.
  size_t row_size(std::string_view bytes);
  void add_row(const char* row);
  void add_value(const ColumnPlan& plan, std::string_view value);

  const std::vector<ColumnPlan>& plans_;
  std::vector<bool> has_forms_;  // of each column
  std::vector<int32_t> sizes_;
  db::Fingerprint sum_;
  bool has_header_ = false, is_ended_ = false;
};

// The form that all bytes of one numeric have.
std::string canonical_numeric(std::string_view value);

}  // namespace osiris::worker::postgres
