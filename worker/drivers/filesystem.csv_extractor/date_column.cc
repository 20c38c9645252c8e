#include "worker/drivers/filesystem.csv_extractor/date_column.h"

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "worker/driver_api/sql.h"
#include "worker/drivers/filesystem.csv_extractor/date_text.h"
#include "worker/drivers/filesystem.csv_extractor/sql_function.h"

namespace osiris::worker::csv {
namespace {

constexpr size_t kShownMax = 100;      // characters of a value in a message
constexpr size_t kOffsetsKeptMax = 2;  // more than one is all that matters

void keep_least(std::string& kept, std::string_view text, bool is_first) {
  if (is_first || text < kept) kept = text;
}

std::string shown(const std::string& text) { return "'" + text.substr(0, kShownMax) + "'"; }

struct Summary {
  std::mutex mutex;
  DateSummary all;  // guarded by mutex
};
using SharedSummary = std::shared_ptr<Summary>;

template <class Call>
void for_each_value(duckdb_data_chunk input, Call call) {
  const idx_t rows = duckdb_data_chunk_get_size(input);
  const duckdb_vector column = duckdb_data_chunk_get_vector(input, 0);
  const auto* values = static_cast<const duckdb_string_t*>(duckdb_vector_get_data(column));
  uint64_t* validity = duckdb_vector_get_validity(column);
  for (idx_t row = 0; row < rows; ++row)
    call(row,
         !validity || duckdb_validity_row_is_valid(validity, row) ? std::optional(text_of(values[row])) : std::nullopt);
}

void summarize(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  Summary& summary = **static_cast<SharedSummary*>(duckdb_scalar_function_get_extra_info(info));
  bool* out = static_cast<bool*>(duckdb_vector_get_data(output));
  DateSummary chunk;
  for_each_value(input, [&](idx_t row, std::optional<std::string_view> text) {
    out[row] = true;
    if (text) chunk.observe(*text);
  });
  const std::lock_guard lock(summary.mutex);
  summary.all.merge(chunk);
}

std::optional<int64_t> stored(const DateText& date, DateType type) {
  if (type == DateType::kTimestampNs) return date.since_epoch_nanos();
  return type == DateType::kTimestampTz ? date.utc_micros() : date.micros;
}

void convert(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
  const DateType type = *static_cast<DateType*>(duckdb_scalar_function_get_extra_info(info));
  auto* out = static_cast<int64_t*>(duckdb_vector_get_data(output));
  duckdb_vector_ensure_validity_writable(output);
  uint64_t* validity = duckdb_vector_get_validity(output);
  bool fits = true;
  for_each_value(input, [&](idx_t row, std::optional<std::string_view> text) {
    if (!text) return duckdb_validity_set_row_invalid(validity, row);
    const auto date = parse_date(*text);
    const auto value = date ? stored(*date, type) : std::nullopt;
    if (value) out[row] = *value;
    fits &= value.has_value();
  });
  if (!fits) duckdb_scalar_function_set_error(info, "a date does not fit its column");
}

duckdb_type engine_type(DateType type) {
  if (type == DateType::kTimestampNs) return DUCKDB_TYPE_TIMESTAMP_NS;
  return type == DateType::kTimestampTz ? DUCKDB_TYPE_TIMESTAMP_TZ : DUCKDB_TYPE_TIMESTAMP;
}

}  // namespace

const char* date_type_name(DateType type) {
  if (type == DateType::kText) return "VARCHAR";
  if (type == DateType::kTimestampNs) return "TIMESTAMP_NS";
  return type == DateType::kTimestampTz ? "TIMESTAMPTZ" : "TIMESTAMP";
}

DateType date_type_named(std::string_view name) {
  for (const DateType type : {DateType::kTimestamp, DateType::kTimestampNs, DateType::kTimestampTz})
    if (name == date_type_name(type)) return type;
  return DateType::kText;
}

void DateSummary::observe(std::string_view field) {
  ++values_;
  const auto date = parse_date(field);
  if (!date) return keep_least(other_, field, ++others_ == 1);
  nanos_ += date->nanos != 0;
  beyond_nanos_ += !date->since_epoch_nanos();
  if (!date->offset_minutes) return keep_least(naive_, field, !std::exchange(has_naive_, true));
  const auto [at, is_new] = offsets_.try_emplace(*date->offset_minutes, field);
  if (!is_new) keep_least(at->second, field, false);
  if (offsets_.size() > kOffsetsKeptMax) offsets_.erase(std::prev(offsets_.end()));
}

void DateSummary::merge(const DateSummary& other) {
  if (other.others_ > 0) keep_least(other_, other.other_, others_ == 0);
  if (other.has_naive_) keep_least(naive_, other.naive_, !std::exchange(has_naive_, true));
  values_ += other.values_;
  others_ += other.others_;
  nanos_ += other.nanos_;
  beyond_nanos_ += other.beyond_nanos_;
  for (const auto& [offset, text] : other.offsets_) {
    const auto [at, is_new] = offsets_.try_emplace(offset, text);
    if (!is_new) keep_least(at->second, text, false);
  }
  while (offsets_.size() > kOffsetsKeptMax) offsets_.erase(std::prev(offsets_.end()));
}

DateType DateSummary::type() const {
  if (!why_text().empty()) return DateType::kText;
  if (!offsets_.empty()) return DateType::kTimestampTz;
  return nanos_ > 0 ? DateType::kTimestampNs : DateType::kTimestamp;
}

std::string DateSummary::why_text() const {
  if (others_ > 0) return shown(other_) + " is not a date";
  if (offsets_.size() > 1)
    return shown(offsets_.begin()->second) + " and " + shown(std::prev(offsets_.end())->second) +
           " have different offsets";
  if (!offsets_.empty() && has_naive_)
    return shown(offsets_.begin()->second) + " has an offset and " + shown(naive_) + " has none";
  if (nanos_ > 0 && !offsets_.empty()) return "nanoseconds beside an offset fit no type";
  if (nanos_ > 0 && beyond_nanos_ > 0) return "nanoseconds beside years outside 1678 to 2261 fit no type";
  return {};
}

Result<DateSummary> summarize_dates(StepContext& step, const std::string& quoted_column) {
  const auto summary = std::make_shared<Summary>();
  const std::string name = random_function_name();
  OSIRIS_TRY(register_function(step.connection_handle(), name, DUCKDB_TYPE_BOOLEAN, summarize,
                               new SharedSummary(summary),
                               [](void* extra) { delete static_cast<SharedSummary*>(extra); }));
  OSIRIS_TRY(sql::execute(step.connection_handle(), "SELECT count(*) FROM " + step.output_table().quoted() + " WHERE " +
                                                        name + "(" + quoted_column + ")"));
  const std::lock_guard lock(summary->mutex);
  return summary->all;
}

Status convert_dates(StepContext& step, const std::string& quoted_column, DateType type) {
  const std::string name = random_function_name();
  OSIRIS_TRY(register_function(step.connection_handle(), name, engine_type(type), convert, new DateType(type),
                               [](void* extra) { delete static_cast<DateType*>(extra); }));
  return sql::execute(step.connection_handle(), "ALTER TABLE " + step.output_table().quoted() + " ALTER COLUMN " +
                                                    quoted_column + " TYPE " + date_type_name(type) + " USING " + name +
                                                    "(" + quoted_column + ")");
}

}  // namespace osiris::worker::csv
