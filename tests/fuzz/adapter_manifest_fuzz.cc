// Adapter manifests on hostile text: no crash, and what is accepted names its own file and an absolute library.
//
// links: osiris_host_adapters
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/adapters/adapter_manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto manifest =
      osiris::parse_adapter_manifest({reinterpret_cast<const char*>(data), size}, "/dir/x.adapter.toml");
  if (!manifest.ok()) return 0;
  if (manifest->id != "x" || !manifest->library.is_absolute()) std::abort();
  if (!manifest->sha256.empty() && manifest->sha256.size() != 64) std::abort();
  return 0;
}
