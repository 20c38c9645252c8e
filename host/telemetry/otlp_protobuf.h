// The protobuf encoding of OTLP documents, made of their JSON form by a table of the fields that osiris writes, so that
// both encodings say the same; and what a collector answers in it. A general library would bring a compiler, generated
// code and a runtime for three kinds of messages that are only ever written.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/telemetry/settings.h"
#include "protocol/base/json.h"

namespace osiris {

// `document` is otlp_document()'s. Members that the table does not know are left out.
std::string otlp_protobuf(const Json& document);

// What a collector that took the request did not take of it.
struct PartialSuccess {
  uint64_t rejected = 0;
  std::string message;
};
// Of the body of a 2xx answer, in either encoding; nullopt: all was taken, or nothing was said.
std::optional<PartialSuccess> partial_success(std::string_view body, bool is_json);

}  // namespace osiris
