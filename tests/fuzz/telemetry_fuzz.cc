// What comes from other programs into telemetry: a collector's answer in either encoding, and a trace context. No
// crash; what is accepted as a context is written as it was read.
//
// links: osiris_host_telemetry
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/telemetry/otlp_protobuf.h"
#include "protocol/model/trace_context.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const bool is_json : {false, true})
    if (const auto partial = osiris::partial_success(bytes, is_json); partial && partial->rejected == 0) std::abort();
  const auto context = osiris::parse_trace_context(bytes);
  if (!context) return 0;
  const auto again = osiris::parse_trace_context(context->text());
  if (!again || again->text() != context->text() || again->span_id.size() != 16) std::abort();
  return 0;
}
