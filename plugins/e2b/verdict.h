// Whether a sandbox is what was asked for, by what the service says of it (GET /sandboxes/{id}).
#pragma once

#include <osiris/sdk/clones.hpp>

#include "protocol/base/json.h"

namespace osiris::e2b {

adapter_sdk::Verdict verdict_of(const Json& said, const adapter_sdk::MachineSpec& wanted);

}  // namespace osiris::e2b
