#include "worker/drivers/mysql.extractor/row_reader.h"

#include "protocol/base/categories.h"

namespace osiris::worker::mysql {
namespace {

// Bytes of a value whose width its type fixes; 0: its length is sent before it.
size_t fixed_size(Kind kind) {
  switch (kind) {
    case Kind::kInt8:
      return 1;
    case Kind::kInt16:
      return 2;
    case Kind::kInt32:
    case Kind::kFloat:
      return 4;
    case Kind::kInt64:
    case Kind::kDouble:
      return 8;
    default:
      return 0;
  }
}

}  // namespace

RowReader::RowReader(const Columns& columns, const MYSQL* mysql)
    : columns_(columns), mysql_(mysql), targets_(columns.received.size(), -1) {
  for (size_t i = 0; i < columns.kept.size(); ++i) targets_[columns.kept[i]] = static_cast<int>(i);
}

void RowReader::on_value(void* self, unsigned column, unsigned char** at) {
  static_cast<RowReader*>(self)->take(column, at);
}

void RowReader::refuse(const Column& column, const std::string& what, const std::string& hint) {
  error_ =
      Error(Code::kStepFailed,
            "MySQL execution failed: column '" + column.name + "', row " + std::to_string(row_number_) + ": " + what,
            hint, category::kExtractSchemaMismatch);
}

void RowReader::take(unsigned index, unsigned char** at) {
  if (error_) return;
  const int target = chunk_ ? targets_[index] : -1;
  if (!at) {
    if (target >= 0) chunk_->set_null(static_cast<size_t>(target), row_);
    return;
  }
  const Column& column = columns_.received[index];
  // The library hands out no end of the row; the end of its buffer is what must not be passed, whatever the server
  // sends.
  const unsigned char* start = *at;
  const unsigned char* const end = mysql_->net.buff_end;
  size_t size = fixed_size(column.kind);
  bool is_whole = true;
  if (size == 0) {
    const auto length = read_length(start, end);
    is_whole = length.has_value();
    size = length.value_or(0);
  } else {
    is_whole = start <= end && static_cast<size_t>(end - start) >= size;
  }
  if (!is_whole) {
    error_ = Error(Code::kUnavailable, "MySQL execution failed: row " + std::to_string(row_number_) + " is malformed",
                   {}, category::kConnectionFailed);
    return;
  }
  bytes_ += size;
  *at += (start - *at) + static_cast<ptrdiff_t>(size);
  if (target >= 0) store(column, static_cast<size_t>(target), start, size);
}

void RowReader::store(const Column& column, size_t target, const unsigned char* at, size_t size) {
  const Bytes bytes(reinterpret_cast<const char*>(at), size);
  switch (column.kind) {
    case Kind::kInt8:
      chunk_->at<uint8_t>(target, row_) = *at;
      return;
    case Kind::kInt16:
      chunk_->at<uint16_t>(target, row_) = fixed<uint16_t>(at);
      return;
    case Kind::kInt32:
    case Kind::kFloat:
      chunk_->at<uint32_t>(target, row_) = fixed<uint32_t>(at);
      return;
    case Kind::kInt64:
    case Kind::kDouble:
      chunk_->at<uint64_t>(target, row_) = fixed<uint64_t>(at);
      return;
    case Kind::kDecimal:
      return store_decimal(column, target, bytes);
    case Kind::kDate:
      if (const auto days = date_value(bytes)) {
        chunk_->at<int32_t>(target, row_) = *days;
        return;
      }
      return refuse(
          column, "the date is none of the calendar ('0000-00-00' or a part of it is zero)",
          "select NULLIF(" + column.name + ", 0) to read such dates as NULL, or CAST(" + column.name + " AS CHAR)");
    case Kind::kDateTime:
      if (const auto micros = datetime_value(bytes)) {
        chunk_->at<int64_t>(target, row_) = *micros;
        return;
      }
      return refuse(
          column, "the date is none of the calendar ('0000-00-00 00:00:00' or a part of it is zero)",
          "select NULLIF(" + column.name + ", 0) to read such dates as NULL, or CAST(" + column.name + " AS CHAR)");
    case Kind::kTime:
      if (const auto span = time_value(bytes)) {
        chunk_->at<duckdb_interval>(target, row_) = *span;
        return;
      }
      return refuse(column, "the time is malformed", "select CAST(" + column.name + " AS CHAR)");
    case Kind::kText:
      if (!is_utf8(bytes)) {
        return refuse(column, "the text is not valid UTF-8",
                      "select CAST(" + column.name + " AS BINARY) to get its bytes");
      }
      [[fallthrough]];
    case Kind::kBytes:
      return chunk_->set_text(target, row_, bytes);
    case Kind::kNull:
      return chunk_->set_null(target, row_);
  }
}

void RowReader::store_decimal(const Column& column, size_t target, Bytes text) {
  const auto value = decimal_value(text, column.digits, column.scale);
  if (!value) {
    return refuse(
        column, "the number " + std::string(text) + " does not fit " + column.type().sql() + ", the widest exact type",
        "select CAST(" + column.name + " AS CHAR), or CAST it to a narrower DECIMAL");
  }
  // DuckDB's storage follows the declared number of digits.
  if (column.digits <= 4) {
    chunk_->at<int16_t>(target, row_) = static_cast<int16_t>(*value);
  } else if (column.digits <= 9) {
    chunk_->at<int32_t>(target, row_) = static_cast<int32_t>(*value);
  } else if (column.digits <= 18) {
    chunk_->at<int64_t>(target, row_) = static_cast<int64_t>(*value);
  } else {
    chunk_->at<duckdb_hugeint>(target, row_) = {static_cast<uint64_t>(*value), static_cast<int64_t>(*value >> 64)};
  }
}

}  // namespace osiris::worker::mysql
