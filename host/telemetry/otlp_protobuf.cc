#include "host/telemetry/otlp_protobuf.h"

#include <bit>
#include <charconv>
#include <cstdint>
#include <limits>
#include <vector>

#include "protocol/base/json.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris {
namespace {

enum class Kind { kText, kHexBytes, kVarint, kFixed32, kFixed64, kDouble, kMessage, kPackedFixed64, kPackedDouble };
enum WireType { kWireVarint = 0, kWire64 = 1, kWireBytes = 2, kWire32 = 5 };

// A field of a message; one that is repeated is an array in JSON.
struct Field {
  std::string_view name;
  uint32_t number;
  Kind kind;
  const std::vector<Field>* (*message)() = nullptr;
};
using Message = std::vector<Field>;

// opentelemetry-proto 1.x: common/v1, resource/v1, trace/v1, metrics/v1, logs/v1.
const Message* any_value();
const Message* key_value() {
  static const Message fields = {{"key", 1, Kind::kText}, {"value", 2, Kind::kMessage, any_value}};
  return &fields;
}
const Message* array_value() {
  static const Message fields = {{"values", 1, Kind::kMessage, any_value}};
  return &fields;
}
const Message* key_value_list() {
  static const Message fields = {{"values", 1, Kind::kMessage, key_value}};
  return &fields;
}
const Message* any_value() {
  static const Message fields = {{"stringValue", 1, Kind::kText},
                                 {"boolValue", 2, Kind::kVarint},
                                 {"intValue", 3, Kind::kVarint},
                                 {"doubleValue", 4, Kind::kDouble},
                                 {"arrayValue", 5, Kind::kMessage, array_value},
                                 {"kvlistValue", 6, Kind::kMessage, key_value_list}};
  return &fields;
}
const Message* resource() {
  static const Message fields = {{"attributes", 1, Kind::kMessage, key_value}};
  return &fields;
}
const Message* scope() {
  static const Message fields = {{"name", 1, Kind::kText}, {"version", 2, Kind::kText}};
  return &fields;
}
const Message* span_event() {
  static const Message fields = {
      {"timeUnixNano", 1, Kind::kFixed64}, {"name", 2, Kind::kText}, {"attributes", 3, Kind::kMessage, key_value}};
  return &fields;
}
const Message* span_status() {
  static const Message fields = {{"message", 2, Kind::kText}, {"code", 3, Kind::kVarint}};
  return &fields;
}
const Message* span() {
  static const Message fields = {{"traceId", 1, Kind::kHexBytes},
                                 {"spanId", 2, Kind::kHexBytes},
                                 {"traceState", 3, Kind::kText},
                                 {"parentSpanId", 4, Kind::kHexBytes},
                                 {"name", 5, Kind::kText},
                                 {"kind", 6, Kind::kVarint},
                                 {"startTimeUnixNano", 7, Kind::kFixed64},
                                 {"endTimeUnixNano", 8, Kind::kFixed64},
                                 {"attributes", 9, Kind::kMessage, key_value},
                                 {"events", 11, Kind::kMessage, span_event},
                                 {"droppedEventsCount", 12, Kind::kVarint},
                                 {"status", 15, Kind::kMessage, span_status},
                                 {"flags", 16, Kind::kFixed32}};
  return &fields;
}
const Message* number_point() {
  static const Message fields = {{"startTimeUnixNano", 2, Kind::kFixed64},
                                 {"timeUnixNano", 3, Kind::kFixed64},
                                 {"asDouble", 4, Kind::kDouble},
                                 {"asInt", 6, Kind::kFixed64},
                                 {"attributes", 7, Kind::kMessage, key_value}};
  return &fields;
}
const Message* histogram_point() {
  static const Message fields = {{"startTimeUnixNano", 2, Kind::kFixed64},
                                 {"timeUnixNano", 3, Kind::kFixed64},
                                 {"count", 4, Kind::kFixed64},
                                 {"sum", 5, Kind::kDouble},
                                 {"bucketCounts", 6, Kind::kPackedFixed64},
                                 {"explicitBounds", 7, Kind::kPackedDouble},
                                 {"attributes", 9, Kind::kMessage, key_value}};
  return &fields;
}
const Message* gauge() {
  static const Message fields = {{"dataPoints", 1, Kind::kMessage, number_point}};
  return &fields;
}
const Message* sum() {
  static const Message fields = {{"dataPoints", 1, Kind::kMessage, number_point},
                                 {"aggregationTemporality", 2, Kind::kVarint},
                                 {"isMonotonic", 3, Kind::kVarint}};
  return &fields;
}
const Message* histogram() {
  static const Message fields = {{"dataPoints", 1, Kind::kMessage, histogram_point},
                                 {"aggregationTemporality", 2, Kind::kVarint}};
  return &fields;
}
const Message* metric() {
  static const Message fields = {{"name", 1, Kind::kText},        {"description", 2, Kind::kText},
                                 {"unit", 3, Kind::kText},        {"gauge", 5, Kind::kMessage, gauge},
                                 {"sum", 7, Kind::kMessage, sum}, {"histogram", 9, Kind::kMessage, histogram}};
  return &fields;
}
const Message* log_record() {
  static const Message fields = {{"timeUnixNano", 1, Kind::kFixed64},
                                 {"severityNumber", 2, Kind::kVarint},
                                 {"severityText", 3, Kind::kText},
                                 {"body", 5, Kind::kMessage, any_value},
                                 {"attributes", 6, Kind::kMessage, key_value},
                                 {"flags", 8, Kind::kFixed32},
                                 {"traceId", 9, Kind::kHexBytes},
                                 {"spanId", 10, Kind::kHexBytes},
                                 {"observedTimeUnixNano", 11, Kind::kFixed64},
                                 {"eventName", 12, Kind::kText}};
  return &fields;
}
const Message* scoped() {
  static const Message fields = {{"scope", 1, Kind::kMessage, scope},
                                 {"spans", 2, Kind::kMessage, span},
                                 {"metrics", 2, Kind::kMessage, metric},
                                 {"logRecords", 2, Kind::kMessage, log_record}};
  return &fields;
}
const Message* of_resource() {
  static const Message fields = {{"resource", 1, Kind::kMessage, resource},
                                 {"scopeSpans", 2, Kind::kMessage, scoped},
                                 {"scopeMetrics", 2, Kind::kMessage, scoped},
                                 {"scopeLogs", 2, Kind::kMessage, scoped}};
  return &fields;
}
const Message* request() {
  static const Message fields = {{"resourceSpans", 1, Kind::kMessage, of_resource},
                                 {"resourceMetrics", 1, Kind::kMessage, of_resource},
                                 {"resourceLogs", 1, Kind::kMessage, of_resource}};
  return &fields;
}

void put_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}
void put_fixed(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}
void put_tag(std::string& out, uint32_t number, WireType type) { put_varint(out, (uint64_t{number} << 3) | type); }
void put_bytes(std::string& out, uint32_t number, std::string_view bytes) {
  put_tag(out, number, kWireBytes);
  put_varint(out, bytes.size());
  out += bytes;
}

// A number, a truth value or the decimal text of a 64-bit integer.
uint64_t integer_of(const Json& value) {
  if (value.is_bool()) return value.as_bool() ? 1 : 0;
  if (!value.is_string()) return static_cast<uint64_t>(value.as_int());
  const std::string& text = value.as_string();
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return static_cast<uint64_t>(number);
}
uint64_t bits_of(const Json& value) {
  const double number = value.is_number() ? value.as_double() : std::numeric_limits<double>::quiet_NaN();
  return std::bit_cast<uint64_t>(number);
}

std::string bytes_of_hex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(kHexDigits.find(hex[i]) * 16 + kHexDigits.find(hex[i + 1]));
  return bytes;
}

std::string encoded(const Message& message, const Json& object);

void put_field(std::string& out, const Field& field, const Json& value) {
  switch (field.kind) {
    case Kind::kText:
      return put_bytes(out, field.number, value.as_string());
    case Kind::kHexBytes:
      return put_bytes(out, field.number, bytes_of_hex(value.as_string()));
    case Kind::kMessage:
      return put_bytes(out, field.number, encoded(*field.message(), value));
    case Kind::kVarint:
      put_tag(out, field.number, kWireVarint);
      return put_varint(out, integer_of(value));
    case Kind::kFixed32:
      put_tag(out, field.number, kWire32);
      return put_fixed(out, integer_of(value), 4);
    case Kind::kFixed64:
      put_tag(out, field.number, kWire64);
      return put_fixed(out, integer_of(value), 8);
    case Kind::kDouble:
      put_tag(out, field.number, kWire64);
      return put_fixed(out, bits_of(value), 8);
    case Kind::kPackedFixed64:
    case Kind::kPackedDouble:
      std::string packed;
      for (const Json& item : value.items())
        put_fixed(packed, field.kind == Kind::kPackedDouble ? bits_of(item) : integer_of(item), 8);
      return put_bytes(out, field.number, packed);
  }
}

std::string encoded(const Message& message, const Json& object) {
  std::string out;
  for (const Field& field : message) {
    const Json* value = object.find(field.name);
    if (!value) continue;
    if (value->is_array() && field.kind == Kind::kMessage)
      for (const Json& item : value->items()) put_field(out, field, item);
    else
      put_field(out, field, *value);
  }
  return out;
}

// Reads a message field by field; what is torn or of an unknown type ends it.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}

  bool next() {
    uint64_t tag = 0;
    if (!read_varint(tag)) return false;
    number_ = static_cast<uint32_t>(tag >> 3);
    bytes_ = {};
    value_ = 0;
    switch (tag & 7) {
      case kWireVarint:
        return read_varint(value_);
      case kWire64:
        return skip(8);
      case kWire32:
        return skip(4);
      case kWireBytes:
        uint64_t size = 0;
        if (!read_varint(size) || size > rest_.size()) return false;
        bytes_ = rest_.substr(0, size);
        return skip(size);
    }
    return false;
  }
  uint32_t number() const { return number_; }
  uint64_t value() const { return value_; }
  std::string_view bytes() const { return bytes_; }

 private:
  bool skip(size_t count) {
    if (count > rest_.size()) return false;
    rest_.remove_prefix(count);
    return true;
  }
  bool read_varint(uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  std::string_view rest_, bytes_;
  uint32_t number_ = 0;
  uint64_t value_ = 0;
};

}  // namespace

std::string otlp_protobuf(const Json& document) { return encoded(*request(), document); }

std::optional<PartialSuccess> partial_success(std::string_view body, bool is_json) {
  PartialSuccess found;
  if (is_json) {
    const auto answer = parse_json(body);
    if (!answer.ok()) return std::nullopt;
    const Json& partial = (*answer)["partialSuccess"];
    for (const char* key : {"rejectedSpans", "rejectedDataPoints", "rejectedLogRecords"})
      if (partial.contains(key)) found.rejected = integer_of(partial[key]);
    found.message = printable_line(partial["errorMessage"].as_string());
  } else {
    for (Fields answer(body); answer.next();) {
      if (answer.number() != 1) continue;
      for (Fields partial(answer.bytes()); partial.next();) {
        if (partial.number() == 1) found.rejected = partial.value();
        if (partial.number() == 2) found.message = printable_line(partial.bytes());
      }
    }
  }
  if (found.rejected == 0) return std::nullopt;
  return found;
}

}  // namespace osiris
