// The reader of env-from files on hostile text: it ends, its names are names, and its errors quote no value.
//
// links: osiris_plugin_sdk
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "plugins/sdk/run/lent_variables.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto variables = osiris::sdk::parse_variables({reinterpret_cast<const char*>(data), size}, "f");
  if (!variables) return variables.error().message.starts_with("f:") ? 0 : (std::abort(), 0);
  for (const auto& [name, value] : *variables)
    if (name.empty() || name.find('=') != std::string::npos || value.find('\0') != std::string::npos) std::abort();
  return 0;
}
