// What E2B makes of rules about a sandbox's network (docs/e2b.md, "Network"). A name covers ports 80 and 443, and only
// a name opens E2B's name server to the sandbox; every other port is allowed by address.
#pragma once

#include <osiris/sdk/egress.hpp>
#include <osiris/sdk/service.hpp>

#include "protocol/base/json.h"

namespace osiris::e2b {

const adapter_sdk::ServiceDescription& service_description();

// The "network" of a create request, or null. For people and files: without the proxy's password.
Json network_rules(const adapter_sdk::Egress& egress, bool with_password);

}  // namespace osiris::e2b
