// OTLP documents (opentelemetry-proto 1.x) as JSON, by the rules of its JSON encoding: ids in hex, 64-bit integers as
// decimal text, enumerations as numbers, names in lower camel case. otlp_protobuf.h makes the other encoding of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/telemetry/settings.h"
#include "protocol/base/json.h"

namespace osiris {

// "1764522953000000000": a time, or any other 64-bit number.
std::string otlp_number(int64_t number);

// [{"key": k, "value": {"stringValue": v}}, ...] of an object's members. Texts are valid UTF-8 and cut after 8 KiB;
// null members are left out.
Json otlp_attributes(const Json& object);
Json otlp_value(const Json& value);

// The whole request of a signal: `items` are spans, metrics or log records.
Json otlp_document(Signal signal, const Json& resource, std::string_view version, Json items);

}  // namespace osiris
