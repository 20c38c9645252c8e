// The document "artifacts": what the run wrote, checked byte by byte where it lies now. A run whose outputs are not
// there did not succeed.
#pragma once

#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "protocol/rpc/params.h"

namespace osiris::sdk {

// Compares size and SHA-256 of each file with what the worker declared when it closed it. kInternal names the first
// that differs or is gone.
Status verify_artifacts(const std::vector<rpc::Artifact>& artifacts);

// `released`: {"kind","id","verified"} entries; an array.
Json artifacts_document(const std::vector<rpc::Artifact>& artifacts, const Json& released);

}  // namespace osiris::sdk
