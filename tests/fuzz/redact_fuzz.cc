// A secret and a text that may hold it, separated by the first newline: whatever they are, the secret is not in the
// result.
//
// links: osiris_base
#include "protocol/base/redact.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace osiris;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = input.find('\n');
  if (end == std::string_view::npos || end < kRedactBytesMin) return 0;
  const std::string_view secret = input.substr(0, end), text = input.substr(end + 1);
  // A secret made of the mask's own letters would be found in the mask.
  if (kMasked.find(secret) != std::string_view::npos || secret.find('*') != std::string_view::npos) return 0;
  Redactor redactor;
  redactor.add(secret);
  if (redactor.redact(text).find(secret) != std::string::npos) std::abort();
  for (const std::string& spelling : secret_spellings(secret)) {
    if (redactor.redact(spelling) != kMasked) std::abort();
  }
  return 0;
}
