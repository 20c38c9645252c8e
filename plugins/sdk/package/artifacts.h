// The document "artifacts": what the run wrote and where it is now. The host reads every file and compares it with
// the plan and with what its step was seen to write.
#pragma once

#include <vector>

#include "protocol/base/json.h"
#include "protocol/model/artifact.h"

namespace osiris::sdk {

// `released`: {"kind","id","verified"} entries; an array.
Json artifacts_document(const std::vector<Artifact>& artifacts, const Json& released);

}  // namespace osiris::sdk
