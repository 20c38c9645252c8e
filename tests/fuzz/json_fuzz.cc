// The JSON parser on hostile text: what it accepts is written as text that it reads as the same value, in every form.
//
// links: osiris_base
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "protocol/base/json.h"
#include "protocol/base/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace osiris;
  const auto json = parse_json({reinterpret_cast<const char*>(data), size});
  if (!json) return 0;
  const std::string text = json->dump();
  const auto again = parse_json(text);
  if (!again || !(*again == *json) || again->dump() != text) std::abort();
  const auto pretty = parse_json(json->dump_pretty());
  if (!pretty || !(*pretty == *json)) std::abort();
  // Canonical text is a fixed point; with ascii_only it is ASCII.
  const auto canonical = parse_json(json->dump_canonical());
  if (!canonical || canonical->dump_canonical() != json->dump_canonical()) std::abort();
  for (const char c : json->dump_canonical(true))
    if (static_cast<unsigned char>(c) > 0x7e) std::abort();
  return 0;
}
