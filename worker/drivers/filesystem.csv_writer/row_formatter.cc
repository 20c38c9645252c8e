#include "worker/drivers/filesystem.csv_writer/row_formatter.h"

#include <cmath>

#include "worker/drivers/csv/utc_offset.h"
#include "worker/drivers/filesystem.csv_writer/json_column.h"
#include "worker/drivers/filesystem.csv_writer/number_text.h"

namespace osiris::worker::csv_out {
namespace {

template <class T>
T value_at(const void* data, idx_t row) {
  return static_cast<const T*>(data)[row];
}

std::string_view text_at(const void* data, idx_t row) {
  const auto& text = static_cast<const duckdb_string_t*>(data)[row];
  return {duckdb_string_is_inlined(text) ? text.value.inlined.inlined : text.value.pointer.ptr,
          duckdb_string_t_length(text)};
}

constexpr int64_t kNanosPerSecond = 1000000000;
constexpr int64_t kInfinite = INT64_MAX;  // its negative too

constexpr int64_t kMicrosPerMinute = 60 * kNanosPerSecond / 1000;

void append_timestamp_value(const Column& column, int64_t value, std::string& out) {
  if (value == kInfinite || value == -kInfinite) {
    out += value > 0 ? "infinity" : "-infinity";
    return;
  }
  value += column.offset_minutes * kMicrosPerMinute;
  const int64_t per_second = column.form == Form::kTimestampNs ? kNanosPerSecond : kNanosPerSecond / 1000;
  const int64_t fraction = (value % per_second + per_second) % per_second;
  const int64_t seconds = (value - fraction) / per_second;
  const bool has_zone = column.form == Form::kTimestampTz;
  if (column.date_only) {
    append_date(out, seconds / kSecondsPerDay);
  } else {
    append_timestamp(out, seconds, static_cast<uint64_t>(fraction * (kNanosPerSecond / per_second)),
                     !has_zone  ? column.second_digits
                     : fraction ? 6
                                : 0);
  }
  if (has_zone) out += csv_format::utc_offset_text(column.offset_minutes);
}

}  // namespace

RowFormatter::RowFormatter(const Options& options, const std::vector<Column>& columns)
    : options_(options), columns_(columns), data_(columns.size()), validity_(columns.size()) {
  for (const char c : {options.delimiter, options.quote, '\n', '\r'})
    needs_quotes_[static_cast<unsigned char>(c)] = true;
  if (options.escape == '\0') return;
  needs_quotes_[static_cast<unsigned char>(options.escape)] = true;
  for (const char c : {options.quote, options.escape}) needs_escape_[static_cast<unsigned char>(c)] = true;
}

void RowFormatter::append_quoted(std::string_view text, std::string& out) const {
  out += options_.quote;
  for (const char c : text) {
    if (needs_escape_[static_cast<unsigned char>(c)]) {
      out += options_.escape;
    } else if (c == options_.quote) {
      out += c;
    }
    out += c;
  }
  out += options_.quote;
}

void RowFormatter::append_text(std::string_view text, std::string& out) const {
  bool quote = options_.quoting != Quoting::kMinimal;
  for (const char c : text) quote |= needs_quotes_[static_cast<unsigned char>(c)];
  if (quote) {
    append_quoted(text, out);
  } else {
    out += text;
  }
}

void RowFormatter::append_header(std::string& out) const {
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) out += options_.delimiter;
    append_text(columns_[i].name, out);
  }
  out += options_.line_end;
}

void RowFormatter::use_chunk(duckdb_data_chunk chunk) {
  for (size_t i = 0; i < columns_.size(); ++i) {
    const duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
    data_[i] = duckdb_vector_get_data(vector);
    validity_[i] = duckdb_vector_get_validity(vector);
  }
}

bool RowFormatter::append_value(size_t index, idx_t row, std::string& out) const {
  const Column& column = columns_[index];
  const void* data = data_[index];
  if (validity_[index] && !duckdb_validity_row_is_valid(validity_[index], row)) return false;
  switch (column.form) {
    case Form::kBoolean:
      out += value_at<bool>(data, row) ? "True" : "False";
      break;
    case Form::kInt8:
      append_integer(out, value_at<int8_t>(data, row));
      break;
    case Form::kInt16:
      append_integer(out, value_at<int16_t>(data, row));
      break;
    case Form::kInt32:
      append_integer(out, value_at<int32_t>(data, row));
      break;
    case Form::kInt64:
      append_integer(out, value_at<int64_t>(data, row));
      break;
    case Form::kUint8:
      append_unsigned(out, value_at<uint8_t>(data, row));
      break;
    case Form::kUint16:
      append_unsigned(out, value_at<uint16_t>(data, row));
      break;
    case Form::kUint32:
      append_unsigned(out, value_at<uint32_t>(data, row));
      break;
    case Form::kUint64:
      append_unsigned(out, value_at<uint64_t>(data, row));
      break;
    case Form::kFloat:  // NaN is a missing value here, as it is in pandas
      if (std::isnan(value_at<float>(data, row))) return false;
      append_float(out, value_at<float>(data, row));
      break;
    case Form::kDouble:
      if (std::isnan(value_at<double>(data, row))) return false;
      append_double(out, value_at<double>(data, row));
      break;
    case Form::kDate: {
      duckdb_date date;
      date.days = value_at<int32_t>(data, row);
      if (duckdb_is_finite_date(date)) {
        append_date(out, date.days);
      } else {
        out += date.days > 0 ? "infinity" : "-infinity";
      }
      break;
    }
    case Form::kTimestamp:
    case Form::kTimestampNs:
    case Form::kTimestampTz:
      append_timestamp_value(column, value_at<int64_t>(data, row), out);
      break;
    case Form::kTime:
      append_time(out, value_at<int64_t>(data, row));
      break;
    case Form::kNumberText:
    case Form::kText:
      out += text_at(data, row);
      break;
    case Form::kJson:
      if (!append_json(text_at(data, row), out)) unfit_ = &column;
      break;
  }
  return true;
}

void RowFormatter::append_row(idx_t row, std::string& out) const {
  const size_t start = out.size();
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) out += options_.delimiter;
    const size_t from = out.size();
    const bool value = append_value(i, row, out);
    const bool number = value && (is_number(columns_[i].form) || columns_[i].form == Form::kBoolean);
    if (options_.decimal != '.' && is_number(columns_[i].form)) {
      const size_t point = out.find('.', from);
      if (point != std::string::npos) out[point] = options_.decimal;
    }
    bool quote = options_.quoting == Quoting::kAll || (options_.quoting == Quoting::kNonNumeric && !number);
    // Digits and dates can need quotes too, when the delimiter is '.' or ':'.
    for (size_t at = from; at < out.size() && !quote; ++at) quote = needs_quotes_[static_cast<unsigned char>(out[at])];
    if (!quote) continue;
    const std::string text = out.substr(from);
    out.resize(from);
    append_quoted(text, out);
  }
  // A line that is one empty field would read back as a blank line.
  if (columns_.size() == 1 && out.size() == start) out.append(2, options_.quote);
  out += options_.line_end;
}

}  // namespace osiris::worker::csv_out
