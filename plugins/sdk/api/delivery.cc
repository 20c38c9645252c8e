#include <osiris/sdk/delivery.hpp>

#include "plugins/sdk/abi/host.h"
#include "plugins/sdk/package/delivery.h"
#include "plugins/sdk/package/layout.h"
#include "plugins/sdk/package/stub_bytes.h"

namespace osiris::adapter_sdk {

std::string packed_worker(const std::string& path, const std::string& sha256) {
  return sdk::value_or_throw(sdk::packed_worker(path, sha256));
}

std::string_view worker_unpacker() { return {sdk::kStubBytes, sdk::kStubSize}; }

std::string worker_place(const std::string& directory, std::string_view sha256) {
  return sdk::worker_file(directory, std::string(sha256));
}

}  // namespace osiris::adapter_sdk
