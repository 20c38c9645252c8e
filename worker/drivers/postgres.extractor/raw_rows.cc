#include "worker/drivers/postgres.extractor/raw_rows.h"

#include "worker/drivers/postgres/types.h"

namespace osiris::worker::postgres {
namespace {

bool is_bits(Bytes bytes) { return bytes.size() >= 4 && read_big<uint32_t>(bytes.data()) != 0; }

// Of one dimension that begins at 1, or empty.
bool is_list(Bytes bytes) {
  if (bytes.size() < 12) return false;
  const auto dimensions = read_big<int32_t>(bytes.data());
  return dimensions == 0 || (dimensions == 1 && bytes.size() >= 20 && read_big<int32_t>(bytes.data() + 16) == 1);
}

// Any value is one of a relation's.
bool is_any(Kind kind) {
  switch (kind) {
    case Kind::kBool:
    case Kind::kInt16:
    case Kind::kInt32:
    case Kind::kInt64:
    case Kind::kOid:
    case Kind::kFloat:
    case Kind::kDouble:
    case Kind::kText:
    case Kind::kJson:
    case Kind::kBytes:
    case Kind::kUuid:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool is_looked_through(const Column& column) { return !column.is_list || is_any(column.kind); }

RawRows::RawRows(const Columns& columns) {
  for (const Column& column : columns.kept) looks_.push_back(look_at(column));
}

RawRows::Look RawRows::look_at(const Column& column) {
  if (column.is_list) return {-1, is_list};
  switch (column.kind) {
    case Kind::kBool:
      return {1, nullptr};
    case Kind::kInt16:
      return {2, nullptr};
    case Kind::kInt32:
    case Kind::kOid:
    case Kind::kFloat:
      return {4, nullptr};
    case Kind::kInt64:
    case Kind::kDouble:
      return {8, nullptr};
    case Kind::kUuid:
      return {16, nullptr};
    case Kind::kDate:
      return {4, [](Bytes bytes) { return date_value(bytes).has_value(); }};
    case Kind::kTimestamp:
    case Kind::kTimestampTz:
      return {8, [](Bytes bytes) { return timestamp_value(bytes).has_value(); }};
    case Kind::kTime:
      return {8, [](Bytes bytes) { return time_value(bytes).has_value(); }};
    case Kind::kTimeTz:
      return {12, [](Bytes bytes) { return time_tz_value(bytes).has_value(); }};
    case Kind::kInterval:
      return {16, [](Bytes bytes) { return interval_value(bytes).has_value(); }};
    case Kind::kNumeric:
      return {-1, [](Bytes bytes) { return bytes.size() >= 8 && !is_special_numeric(bytes); }};
    case Kind::kJsonb:
      return {-1, [](Bytes bytes) { return bytes.starts_with('\1'); }};
    case Kind::kBits:
      return {-1, is_bits};
    case Kind::kText:
    case Kind::kJson:
    case Kind::kBytes:
      break;
  }
  return {};
}

size_t RawRows::whole_row(Bytes bytes) const {
  if (bytes.size() < 2 || static_cast<size_t>(read_big<uint16_t>(bytes.data())) != looks_.size()) return 0;
  size_t at = 2;
  for (const Look& look : looks_) {
    if (bytes.size() - at < 4) return 0;
    const auto size = read_big<int32_t>(bytes.data() + at);
    at += 4;
    if (size < 0) continue;
    if (bytes.size() - at < static_cast<size_t>(size) || (look.width >= 0 && size != look.width)) return 0;
    if (look.holds && !look.holds(bytes.substr(at, static_cast<size_t>(size)))) return 0;
    at += static_cast<size_t>(size);
  }
  return at;
}

}  // namespace osiris::worker::postgres
