#include "worker/drivers/filesystem.csv_writer/row_formatter.h"

#include <emmintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "worker/driver_api/number_text.h"
#include "worker/drivers/csv/utc_offset.h"
#include "worker/drivers/filesystem.csv_writer/json_column.h"

namespace osiris::worker::csv_out {

using number_text::kSecondsPerDay;
using number_text::kValueBytesMax;
using number_text::put_date;
using number_text::put_decimal;
using number_text::put_double;
using number_text::put_float;
using number_text::put_integer;
using number_text::put_time;
using number_text::put_timestamp;
using number_text::put_unsigned;
using number_text::put_wide_decimal;

namespace {

// Of which numbers, booleans, dates and times consist.
constexpr std::string_view kPlainCharacters = "0123456789+-.: aefilnrstuyFTE";
constexpr size_t kLaneBytes = 16;
constexpr size_t kSmallTextBytes = size_t{64} << 10;

template <class T>
T value_at(const void* data, idx_t row) {
  return static_cast<const T*>(data)[row];
}

std::string_view text_at(const void* data, idx_t row) {
  const auto& text = static_cast<const duckdb_string_t*>(data)[row];
  return {duckdb_string_is_inlined(text) ? text.value.inlined.inlined : text.value.pointer.ptr,
          duckdb_string_t_length(text)};
}

char* put_plain(std::string_view text, char* at) {
  if (!text.empty()) std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

bool is_given_as_text(Form form) { return form == Form::kNumberText || form == Form::kText || form == Form::kJson; }

constexpr int64_t kNanosPerSecond = 1000000000;
constexpr int64_t kInfinite = INT64_MAX;  // its negative too

constexpr int64_t kMicrosPerMinute = 60 * kNanosPerSecond / 1000;

template <int64_t kPerSecond>
char* put_timestamp_value(const Column& column, int64_t value, char* at) {
  if (value == kInfinite || value == -kInfinite) return put_plain(value > 0 ? "infinity" : "-infinity", at);
  value += column.offset_minutes * kMicrosPerMinute;
  const int64_t fraction = (value % kPerSecond + kPerSecond) % kPerSecond;
  const int64_t seconds = (value - fraction) / kPerSecond;
  const bool has_zone = column.form == Form::kTimestampTz;
  if (column.date_only) {
    at = put_date(at, seconds / kSecondsPerDay);
  } else {
    at = put_timestamp(at, seconds, static_cast<uint64_t>(fraction * (kNanosPerSecond / kPerSecond)),
                       !has_zone  ? column.second_digits
                       : fraction ? 6
                                  : 0);
  }
  return has_zone ? put_plain(csv_format::utc_offset_text(column.offset_minutes), at) : at;
}

// DuckDB's storage follows the number of digits.
char* put_decimal_value(const Column& column, const void* data, idx_t row, char* at) {
  if (column.width <= 4) return put_decimal(at, value_at<int16_t>(data, row), column.width, column.scale);
  if (column.width <= 9) return put_decimal(at, value_at<int32_t>(data, row), column.width, column.scale);
  if (column.width <= 18) return put_decimal(at, value_at<int64_t>(data, row), column.width, column.scale);
  const auto wide = value_at<duckdb_hugeint>(data, row);
  return put_wide_decimal(at, wide.upper, wide.lower, column.width, column.scale);
}

}  // namespace

RowFormatter::RowFormatter(const Options& options, const std::vector<Column>& columns)
    : options_(options), columns_(columns), fields_(columns.size()) {
  for (const char c : {options.delimiter, options.quote, '\n', '\r'})
    needs_quotes_[static_cast<unsigned char>(c)] = true;
  stops_ = {options.delimiter, options.quote, '\r', options.escape == '\0' ? '\r' : options.escape};
  if (options.escape != '\0') {
    needs_quotes_[static_cast<unsigned char>(options.escape)] = true;
    for (const char c : {options.quote, options.escape}) needs_escape_[static_cast<unsigned char>(c)] = true;
  }
  const bool are_plain = options.quoting == Quoting::kMinimal && options.decimal == '.' &&
                         std::none_of(kPlainCharacters.begin(), kPlainCharacters.end(),
                                      [this](char c) { return needs_quotes_[static_cast<unsigned char>(c)]; });
  fixed_room_ = options.line_end.size() + 2;
  for (size_t i = 0; i < columns.size(); ++i) {
    Field& field = fields_[i];
    field.is_text = is_given_as_text(columns[i].form);
    field.is_plain = are_plain && columns[i].form != Form::kText && columns[i].form != Form::kJson;
    field.is_number = is_number(columns[i].form) || columns[i].form == Form::kBoolean;
    fixed_room_ += 3 + (field.is_text ? kLaneBytes : 2 * kValueBytesMax);
  }
}

char* RowFormatter::put_quoted(std::string_view text, char* at) const {
  *at++ = options_.quote;
  for (const char c : text) {
    if (needs_escape_[static_cast<unsigned char>(c)]) {
      *at++ = options_.escape;
    } else if (c == options_.quote) {
      *at++ = c;
    }
    *at++ = c;
  }
  *at++ = options_.quote;
  return at;
}

bool RowFormatter::needs_quotes(std::string_view text) const {
  const char* at = text.data();
  const char* const end = at + text.size();
  if (text.size() >= kLaneBytes) {
    const __m128i line = _mm_set1_epi8('\n'), a = _mm_set1_epi8(stops_[0]), b = _mm_set1_epi8(stops_[1]),
                  c = _mm_set1_epi8(stops_[2]), d = _mm_set1_epi8(stops_[3]);
    for (;;) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
      const __m128i any = _mm_or_si128(_mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, a), _mm_cmpeq_epi8(bytes, b)),
                                                    _mm_or_si128(_mm_cmpeq_epi8(bytes, c), _mm_cmpeq_epi8(bytes, d))),
                                       _mm_cmpeq_epi8(bytes, line));
      if (_mm_movemask_epi8(any) != 0) return true;
      at += kLaneBytes;
      if (at == end) return false;
      at = std::min(at, end - kLaneBytes);  // the last ones, some of them again
    }
  }
  bool found = false;
  for (; at != end; ++at) found |= needs_quotes_[static_cast<unsigned char>(*at)];
  return found;
}

char* RowFormatter::put_text(std::string_view text, bool is_number, char* at) const {
  const bool quotes = options_.quoting == Quoting::kAll || (options_.quoting == Quoting::kNonNumeric && !is_number) ||
                      needs_quotes(text);
  return quotes ? put_quoted(text, at) : put_plain(text, at);
}

void RowFormatter::append_header(std::string& out) const {
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) out += options_.delimiter;
    const std::string& name = columns_[i].name;
    if (options_.quoting == Quoting::kMinimal && !needs_quotes(name)) {
      out += name;
      continue;
    }
    std::string quoted(2 * name.size() + 2, '\0');
    out.append(quoted.data(), put_quoted(name, quoted.data()));
  }
  out += options_.line_end;
}

void RowFormatter::use_chunk(duckdb_data_chunk chunk) {
  for (size_t i = 0; i < columns_.size(); ++i) {
    const duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
    fields_[i].data = duckdb_vector_get_data(vector);
    fields_[i].validity = duckdb_vector_get_validity(vector);
  }
}

// Of a large one the characters are counted that are doubled: its room is memory of megabytes.
size_t RowFormatter::room_of_text(const Column& column, std::string_view text) const {
  if (text.size() <= kSmallTextBytes || column.form == Form::kJson) return 3 * text.size();
  return text.size() + static_cast<size_t>(std::count_if(text.begin(), text.end(), [this](char c) {
           return c == options_.quote || needs_escape_[static_cast<unsigned char>(c)];
         }));
}

// A text may be doubled within quotes; NaN becomes null in JSON first.
size_t RowFormatter::room_for(idx_t row) const {
  size_t room = fixed_room_;
  for (size_t i = 0; i < fields_.size(); ++i)
    if (const Field& field = fields_[i];
        field.is_text && (!field.validity || duckdb_validity_row_is_valid(field.validity, row)))
      room += room_of_text(columns_[i], text_at(field.data, row));
  return room;
}

char* RowFormatter::put_value(const Column& column, const void* data, idx_t row, char* at) const {
  switch (column.form) {
    case Form::kBoolean:
      return put_plain(value_at<bool>(data, row) ? "True" : "False", at);
    case Form::kInt8:
      return put_integer(at, value_at<int8_t>(data, row));
    case Form::kInt16:
      return put_integer(at, value_at<int16_t>(data, row));
    case Form::kInt32:
      return put_integer(at, value_at<int32_t>(data, row));
    case Form::kInt64:
      return put_integer(at, value_at<int64_t>(data, row));
    case Form::kUint8:
      return put_unsigned(at, value_at<uint8_t>(data, row));
    case Form::kUint16:
      return put_unsigned(at, value_at<uint16_t>(data, row));
    case Form::kUint32:
      return put_unsigned(at, value_at<uint32_t>(data, row));
    case Form::kUint64:
      return put_unsigned(at, value_at<uint64_t>(data, row));
    case Form::kFloat:  // NaN is a missing value here, as it is in pandas
      return std::isnan(value_at<float>(data, row)) ? nullptr : put_float(at, value_at<float>(data, row));
    case Form::kDouble:
      return std::isnan(value_at<double>(data, row)) ? nullptr : put_double(at, value_at<double>(data, row));
    case Form::kDecimal:
      return put_decimal_value(column, data, row, at);
    case Form::kDate: {
      duckdb_date date;
      date.days = value_at<int32_t>(data, row);
      if (duckdb_is_finite_date(date)) return put_date(at, date.days);
      return put_plain(date.days > 0 ? "infinity" : "-infinity", at);
    }
    case Form::kTimestamp:
    case Form::kTimestampTz:
      return put_timestamp_value<kNanosPerSecond / 1000>(column, value_at<int64_t>(data, row), at);
    case Form::kTimestampNs:
      return put_timestamp_value<kNanosPerSecond>(column, value_at<int64_t>(data, row), at);
    case Form::kTime:
      return put_time(at, value_at<int64_t>(data, row));
    default:
      return put_plain(text_at(data, row), at);
  }
}

char* RowFormatter::put_field(size_t index, idx_t row, char* at) const {
  const Field& field = fields_[index];
  const Column& column = columns_[index];
  const bool is_null = field.validity && !duckdb_validity_row_is_valid(field.validity, row);
  if (field.is_plain) {
    char* const end = is_null ? nullptr : put_value(column, field.data, row, at);
    return end ? end : at;
  }
  if (is_null) return put_text({}, false, at);
  if (column.form == Form::kText) return put_text(text_at(field.data, row), false, at);
  // Digits and dates can need quotes too, when the delimiter is '.' or ':'.
  std::string text;
  if (column.form == Form::kJson) {
    if (!append_json(text_at(field.data, row), text)) unfit_ = &column;
    return put_text(text, false, at);
  }
  text.resize(field.is_text ? text_at(field.data, row).size() : kValueBytesMax);
  const char* const end = put_value(column, field.data, row, text.data());
  text.resize(end ? static_cast<size_t>(end - text.data()) : 0);
  if (options_.decimal != '.' && is_number(column.form)) {
    const size_t point = text.find('.');
    if (point != std::string::npos) text[point] = options_.decimal;
  }
  return put_text(text, end && field.is_number, at);
}

char* RowFormatter::put_row(idx_t row, char* at) const {
  const char* const start = at;
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) *at++ = options_.delimiter;
    at = put_field(i, row, at);
  }
  // A line that is one empty field would read back as a blank line.
  if (columns_.size() == 1 && at == start) {
    *at++ = options_.quote;
    *at++ = options_.quote;
  }
  return put_plain(options_.line_end, at);
}

}  // namespace osiris::worker::csv_out
