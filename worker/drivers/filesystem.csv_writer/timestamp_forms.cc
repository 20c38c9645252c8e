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

Needs needs_of(duckdb_vector vector, idx_t rows, int64_t per_second) {
  const auto* values = static_cast<const int64_t*>(duckdb_vector_get_data(vector));
  uint64_t* validity = duckdb_vector_get_validity(vector);
  Needs needs;
  for (idx_t row = 0; row < rows; ++row) {
    const int64_t value = values[row];
    if (validity && !duckdb_validity_row_is_valid(validity, row)) continue;
    if (value == INT64_MAX || value == -INT64_MAX) continue;  // infinite
    needs.any = true;
    const int64_t fraction = value % per_second;
    if (fraction == 0) {
      needs.date_only = needs.date_only && value % (86'400 * per_second) == 0;
      continue;
    }
    needs.date_only = false;
    int digits = 3;
    for (int64_t unit = per_second / 1000; fraction % unit != 0; unit /= 1000) digits += 3;
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
    const int64_t per_second = column.form == Form::kTimestampNs ? 1'000'000'000 : 1'000'000;
    const Needs needs =
        needs_of(duckdb_data_chunk_get_vector(chunk, each.place), duckdb_data_chunk_get_size(chunk), per_second);
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
