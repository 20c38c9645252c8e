#include "worker/drivers/postgres.extractor/row_reader.h"

#include <cstring>

#include "protocol/base/categories.h"
#include "protocol/base/utf8.h"
#include "worker/drivers/postgres/types.h"

namespace osiris::worker::postgres {
namespace {

// Nearly all text is ASCII: eight bytes at a time until it is not.
bool is_utf8(Bytes text) {
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t eight;
    std::memcpy(&eight, text.data() + i, 8);
    if (eight & 0x8080808080808080u) return is_valid_utf8(text.substr(i));
  }
  for (; i < text.size(); ++i)
    if (static_cast<unsigned char>(text[i]) >= 0x80) return is_valid_utf8(text.substr(i));
  return true;
}

// Takes the number in front of `bytes`; nullopt when it is not whole.
template <class Number>
std::optional<Number> take_number(Bytes& bytes) {
  if (bytes.size() < sizeof(Number)) return std::nullopt;
  const Number number = read_big<Number>(bytes.data());
  bytes.remove_prefix(sizeof(Number));
  return number;
}

// How long the row in front of `bytes` is, its count of columns included; nullopt: more of it is to come, or it is
// none.
std::optional<size_t> row_size(Bytes bytes, size_t columns) {
  size_t at = 2;
  for (size_t i = 0; i < columns; ++i) {
    if (bytes.size() - at < 4 || bytes.size() < at) return std::nullopt;
    const auto size = read_big<int32_t>(bytes.data() + at);
    at += 4 + (size > 0 ? static_cast<size_t>(size) : 0);
    if (at > bytes.size()) return std::nullopt;
  }
  return at;
}

std::string cast_hint(const Column& column) { return "select " + column.name + "::text"; }

}  // namespace

bool RowReader::refuse(const Column& column, const std::string& what, const std::string& hint) {
  error_ =
      Error(Code::kStepFailed,
            "PostgreSQL query failed: column '" + column.name + "', row " + std::to_string(row_number_) + ": " + what,
            hint, category::kExtractSchemaMismatch);
  return false;
}

RowReader::Outcome RowReader::malformed() {
  error_ =
      Error(Code::kUnavailable,
            "PostgreSQL query failed: what the server sent is no binary COPY, at row " + std::to_string(row_number_),
            {}, category::kConnectionFailed);
  return Outcome::kRefused;
}

RowReader::Outcome RowReader::take_header(Bytes& bytes) {
  if (bytes.size() < kCopyHeaderBytes) return Outcome::kIncomplete;
  if (std::memcmp(bytes.data(), kCopySignature, kCopySignatureBytes) != 0) return malformed();
  const auto more = read_big<int32_t>(bytes.data() + kCopySignatureBytes + 4);
  if (more < 0) return malformed();
  if (bytes.size() < kCopyHeaderBytes + static_cast<size_t>(more)) return Outcome::kIncomplete;
  bytes.remove_prefix(kCopyHeaderBytes + static_cast<size_t>(more));
  return Outcome::kRow;
}

RowReader::Outcome RowReader::take_row(Bytes& bytes, db::Chunk& chunk, size_t row, uint64_t row_number) {
  row_number_ = row_number;
  if (bytes.size() < 2) return Outcome::kIncomplete;
  const auto count = read_big<int16_t>(bytes.data());
  if (count == -1) return Outcome::kEnd;
  if (count < 0 || static_cast<size_t>(count) != columns_.kept.size()) return malformed();
  const auto size = row_size(bytes, columns_.kept.size());
  if (!size) return Outcome::kIncomplete;
  Bytes values = bytes.substr(2, *size - 2);
  for (size_t i = 0; i < columns_.kept.size(); ++i) {
    const auto length = take_number<int32_t>(values);
    if (*length < 0) {
      chunk.set_null(i, row);
      continue;
    }
    const Column& column = columns_.kept[i];
    const Bytes value = values.substr(0, static_cast<size_t>(*length));
    values.remove_prefix(static_cast<size_t>(*length));
    const bool is_stored =
        column.is_list ? store_list(column, chunk.column(i), row, value) : store(column, chunk.column(i), row, value);
    if (!is_stored) return Outcome::kRefused;
  }
  bytes.remove_prefix(*size);
  return Outcome::kRow;
}

// Those of a fixed width that are copied.
bool RowReader::store_plain(const Column& column, db::Slots& slots, size_t at, Bytes bytes) {
  const auto is_wide = [&](size_t width) { return bytes.size() == width; };
  switch (column.kind) {
    case Kind::kBool:
      if (!is_wide(1)) break;
      slots.value<bool>(at) = bytes[0] != 0;
      return true;
    case Kind::kInt16:
      if (!is_wide(2)) break;
      slots.value<uint16_t>(at) = read_big<uint16_t>(bytes.data());
      return true;
    case Kind::kInt32:
    case Kind::kOid:
    case Kind::kFloat:
      if (!is_wide(4)) break;
      slots.value<uint32_t>(at) = read_big<uint32_t>(bytes.data());
      return true;
    default:
      if (!is_wide(8)) break;
      slots.value<uint64_t>(at) = read_big<uint64_t>(bytes.data());
      return true;
  }
  return refuse(column, "the value is malformed", cast_hint(column));
}

bool RowReader::store(const Column& column, db::Slots& slots, size_t at, Bytes bytes) {
  const auto keep = [&](auto value, const char* what) {
    if (!value) return refuse(column, what, cast_hint(column));
    slots.value<std::remove_reference_t<decltype(*value)>>(at) = *value;
    return true;
  };
  switch (column.kind) {
    case Kind::kNumeric:
      return store_decimal(column, slots, at, bytes);
    case Kind::kDate:
      return keep(date_value(bytes), "the date is beyond those that can be held");
    case Kind::kTimestamp:
    case Kind::kTimestampTz:
      return keep(timestamp_value(bytes), "the time is beyond those that can be held (to the year 294247)");
    case Kind::kTime:
      return keep(time_value(bytes), "the time of day is malformed");
    case Kind::kTimeTz:
      return keep(time_tz_value(bytes), "the time of day is malformed");
    case Kind::kInterval:
      return keep(interval_value(bytes), "the interval is infinite");
    case Kind::kUuid:
      return keep(uuid_value(bytes), "the UUID is malformed");
    case Kind::kBits:
      if (const auto bits = bits_value(bytes)) {
        slots.set_text(at, *bits);
        return true;
      }
      return refuse(column, "the string of bits is empty", cast_hint(column));
    case Kind::kText:
    case Kind::kJson:
    case Kind::kJsonb:
    case Kind::kBytes:
      return store_text(column, slots, at, bytes);
    default:
      return store_plain(column, slots, at, bytes);
  }
}

bool RowReader::store_text(const Column& column, db::Slots& slots, size_t at, Bytes bytes) {
  if (column.kind == Kind::kJsonb) {
    if (bytes.empty() || bytes[0] != 1)
      return refuse(column, "the JSON has a form that is not known", cast_hint(column));
    bytes.remove_prefix(1);
  }
  if (column.kind != Kind::kBytes && !is_utf8(bytes))
    return refuse(column, "the text is not valid UTF-8",
                  "select convert_to(" + column.name + ", 'SQL_ASCII') to get its bytes");
  slots.set_text(at, bytes);
  return true;
}

bool RowReader::store_decimal(const Column& column, db::Slots& slots, size_t at, Bytes bytes) {
  const auto value = decimal_value(bytes, column.digits, column.scale);
  if (!value)
    return refuse(column,
                  is_special_numeric(bytes) ? "the number is NaN or infinite, which no decimal is"
                                            : "the number does not fit " + column.type().sql(),
                  cast_hint(column));
  // DuckDB's storage follows the declared number of digits.
  if (column.digits <= 4) {
    slots.value<int16_t>(at) = static_cast<int16_t>(*value);
  } else if (column.digits <= 9) {
    slots.value<int32_t>(at) = static_cast<int32_t>(*value);
  } else if (column.digits <= 18) {
    slots.value<int64_t>(at) = static_cast<int64_t>(*value);
  } else {
    slots.value<duckdb_hugeint>(at) = {static_cast<uint64_t>(*value), static_cast<int64_t>(*value >> 64)};
  }
  return true;
}

//   dimensions(4) has NULLs(4) type(4), then length(4) first index(4) of each dimension, then length(4) and value each
bool RowReader::store_list(const Column& column, db::Slots& slots, size_t at, Bytes bytes) {
  const auto dimensions = take_number<int32_t>(bytes), nulls = take_number<int32_t>(bytes),
             type = take_number<int32_t>(bytes);
  if (!dimensions || !nulls || !type) return refuse(column, "the array is malformed", cast_hint(column));
  if (*dimensions == 0) {
    slots.set_list(at, 0);
    return true;
  }
  if (*dimensions != 1)
    return refuse(column, "the array has " + std::to_string(*dimensions) + " dimensions, and a list has one",
                  cast_hint(column));
  const auto length = take_number<int32_t>(bytes), first = take_number<int32_t>(bytes);
  if (!length || !first || *length < 0 || static_cast<size_t>(*length) > bytes.size() / 4)
    return refuse(column, "the array is malformed", cast_hint(column));
  if (*first != 1)
    return refuse(column, "the array begins at index " + std::to_string(*first) + ", and a list at 1",
                  cast_hint(column));
  const size_t begin = slots.set_list(at, static_cast<size_t>(*length));
  for (size_t i = 0; i < static_cast<size_t>(*length); ++i) {
    const auto size = take_number<int32_t>(bytes);
    if (!size || (*size > 0 && static_cast<size_t>(*size) > bytes.size()))
      return refuse(column, "the array is malformed", cast_hint(column));
    if (*size < 0) {
      slots.items().set_null(begin + i);
      continue;
    }
    if (!store(column, slots.items(), begin + i, bytes.substr(0, static_cast<size_t>(*size)))) return false;
    bytes.remove_prefix(static_cast<size_t>(*size));
  }
  return true;
}

}  // namespace osiris::worker::postgres
