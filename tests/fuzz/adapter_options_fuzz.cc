// Option values on hostile text: the first byte picks the type. What is accepted is canonical: reading it again gives
// the same.
//
// links: osiris_host_adapters
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/adapters/option_values.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  osiris::OptionSpec spec;
  spec.type = data[0] % 12;
  spec.choices = {"allow", "deny"};
  if (data[0] & 0x80) spec.bare_unit = spec.type == OSIRIS_BYTES ? "GiB" : spec.type == OSIRIS_DURATION ? "m" : "";
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto first = osiris::canonical_value(spec, text, "/base");
  if (!first.ok()) return first.error().message.empty() ? (std::abort(), 0) : 0;
  spec.bare_unit.clear();  // canonical text is in the canonical unit
  const auto second = osiris::canonical_value(spec, *first, "/elsewhere");
  if (!second.ok() || *second != *first) std::abort();
  return 0;
}
