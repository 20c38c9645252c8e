// PostgreSQL's built-in types by their numbers, which never change (pg_type.dat), and what binary values of them are
// made of: everything is big endian; times are microseconds, days and microseconds count from 2000-01-01.
#pragma once

#include <libpq-fe.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace osiris::worker::postgres {

inline constexpr Oid kBoolOid = 16, kByteaOid = 17, kCharOid = 18, kNameOid = 19, kInt8Oid = 20, kInt2Oid = 21,
                     kInt4Oid = 23, kTextOid = 25, kOidOid = 26, kJsonOid = 114, kXmlOid = 142, kFloat4Oid = 700,
                     kFloat8Oid = 701, kBpcharOid = 1042, kVarcharOid = 1043, kDateOid = 1082, kTimeOid = 1083,
                     kTimestampOid = 1114, kTimestampTzOid = 1184, kIntervalOid = 1186, kTimeTzOid = 1266,
                     kBitOid = 1560, kVarbitOid = 1562, kNumericOid = 1700, kUuidOid = 2950, kJsonbOid = 3802;

struct ArrayType {
  Oid array, item;
};
inline constexpr ArrayType kArrayTypes[] = {
    {1000, kBoolOid},   {1001, kByteaOid},     {1003, kNameOid},        {1005, kInt2Oid},     {1007, kInt4Oid},
    {1016, kInt8Oid},   {1009, kTextOid},      {1015, kVarcharOid},     {1014, kBpcharOid},   {1021, kFloat4Oid},
    {1022, kFloat8Oid}, {1028, kOidOid},       {199, kJsonOid},         {3807, kJsonbOid},    {1182, kDateOid},
    {1183, kTimeOid},   {1115, kTimestampOid}, {1185, kTimestampTzOid}, {1187, kIntervalOid}, {1270, kTimeTzOid},
    {1561, kBitOid},    {1563, kVarbitOid},    {1231, kNumericOid},     {2951, kUuidOid},     {143, kXmlOid}};

constexpr Oid item_of_array(Oid array) {
  for (const ArrayType& type : kArrayTypes)
    if (type.array == array) return type.item;
  return InvalidOid;
}
constexpr Oid array_of_item(Oid item) {
  for (const ArrayType& type : kArrayTypes)
    if (type.item == item) return type.array;
  return InvalidOid;
}

// A type modifier counts from here: varchar(5) has 9.
inline constexpr int kModifierBase = 4;

inline constexpr int32_t kEpochDays = 10957;  // from 1970-01-01 to 2000-01-01
inline constexpr int64_t kDay_us = int64_t{86400} * 1'000'000;
inline constexpr int64_t kEpoch_us = kEpochDays * kDay_us;

// What begins a stream of binary COPY, before the flags and the length of the rest of its header.
inline constexpr char kCopySignature[] = "PGCOPY\n\377\r\n";  // and the NUL that ends it here
inline constexpr size_t kCopySignatureBytes = 11;
inline constexpr size_t kCopyHeaderBytes = kCopySignatureBytes + 8;

// Signs of a numeric, in its header of four 16-bit numbers: digits (base 10,000), weight, sign, scale.
inline constexpr uint16_t kNumericNegative = 0x4000;
inline constexpr uint16_t kNumericNan = 0xC000;
inline constexpr int kNumericBase = 10'000;

template <class Value>
Value big_endian(Value value) {
  static_assert(std::endian::native == std::endian::little);
  if constexpr (sizeof(Value) == 2) return static_cast<Value>(__builtin_bswap16(static_cast<uint16_t>(value)));
  if constexpr (sizeof(Value) == 4) return static_cast<Value>(__builtin_bswap32(static_cast<uint32_t>(value)));
  if constexpr (sizeof(Value) == 8) return static_cast<Value>(__builtin_bswap64(static_cast<uint64_t>(value)));
}

template <class Value>
Value read_big(const char* at) {
  Value value;
  std::memcpy(&value, at, sizeof value);
  return big_endian(value);
}

// The bytes of the row of binary COPY in front of `bytes`, as far as its lengths are there: at least so many.
inline size_t row_bytes_at_least(std::string_view bytes) {
  size_t at = sizeof(int16_t);
  if (bytes.size() < at) return at;
  for (int left = read_big<int16_t>(bytes.data()); left > 0 && at <= bytes.size(); --left) {
    at += sizeof(int32_t);
    if (at > bytes.size()) break;
    const auto size = read_big<int32_t>(bytes.data() + at - sizeof(int32_t));
    at += size < 0 ? 0 : static_cast<size_t>(size);
  }
  return at;
}

}  // namespace osiris::worker::postgres
