#include "worker/drivers/filesystem.csv_writer/timestamp_forms.h"

#include <algorithm>
#include <cstdint>

namespace osiris::worker::csv_out {
namespace {

// What some values of a column need; of none, nothing.
struct Needs {
  bool any = false, date_only = true;
  int second_digits = 0;
};

// Divided by constants: a column of timestamps is looked through for each chunk.
template <int64_t kPerSecond>
Needs needs_of(duckdb_vector vector, idx_t rows) {
  const auto* values = static_cast<const int64_t*>(duckdb_vector_get_data(vector));
  uint64_t* validity = duckdb_vector_get_validity(vector);
  Needs needs;
  for (idx_t row = 0; row < rows; ++row) {
    const int64_t value = values[row];
    if (validity && !duckdb_validity_row_is_valid(validity, row)) continue;
    if (value == INT64_MAX || value == -INT64_MAX) continue;  // infinite
    needs.any = true;
    const int64_t fraction = value % kPerSecond;
    if (fraction == 0) {
      needs.date_only = needs.date_only && value % (86'400 * kPerSecond) == 0;
      continue;
    }
    needs.date_only = false;
    const int digits = fraction % (kPerSecond / 1'000) == 0 ? 3 : fraction % (kPerSecond / 1'000'000) == 0 ? 6 : 9;
    needs.second_digits = std::max(needs.second_digits, digits);
  }
  return needs;
}

}  // namespace

TimestampForms::TimestampForms(std::vector<Column>& columns) : columns_(columns) {
  for (size_t i = 0; i < columns.size(); ++i)
    if (columns[i].form == Form::kTimestamp || columns[i].form == Form::kTimestampNs) timestamps_.push_back({i});
}

bool TimestampForms::take(duckdb_data_chunk chunk) {
  bool agrees = true;
  for (Timestamps& each : timestamps_) {
    Column& column = columns_[each.place];
    const duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, each.place);
    const idx_t rows = duckdb_data_chunk_get_size(chunk);
    const Needs needs =
        column.form == Form::kTimestampNs ? needs_of<1'000'000'000>(vector, rows) : needs_of<1'000'000>(vector, rows);
    if (!needs.any) continue;
    const std::lock_guard lock(mutex_);
    if (!each.is_known) {
      each.is_known = true;
      column.date_only = needs.date_only;
      column.second_digits = needs.second_digits;
    }
    agrees = agrees && needs.second_digits <= column.second_digits && (needs.date_only || !column.date_only);
  }
  return agrees;
}

}  // namespace osiris::worker::csv_out
