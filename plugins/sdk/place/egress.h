// How what a remote machine may reach (osiris/sdk/egress.hpp) follows from a plan.
#pragma once

#include <osiris/sdk/egress.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/sdk/abi/request.h"
#include "protocol/base/json.h"

namespace osiris::sdk {

using adapter_sdk::Egress;
using adapter_sdk::EgressHost;
using adapter_sdk::EgressOptions;
using adapter_sdk::EgressProxy;
using adapter_sdk::ServiceDescription;

// IPv4 addresses of a host name, sorted; an error names the host. `option_prefix`: of ServiceDescription.
using Resolve = std::function<Result<std::vector<std::string>>(const std::string& host)>;
Resolve system_resolver(std::string_view option_prefix);

// The hosts of the plan, by step ("hosts" of manifest_json) and by connection (the fields host, url, endpoint and the
// like), each once.
std::vector<EgressHost> planned_hosts(const RunRequest& request);

// kInvalidArgument for a literal address that no machine reaches: loopback, without allow_loopback, and the service's
// denied ranges, without an egress proxy, allow_private or allow_loopback. No look-ups.
Status check_hosts(const EgressOptions& options, const ServiceDescription& service, const RunRequest& request);

// That, and kNotFound for a name without an address that is wanted on another port than 80 and 443.
Result<Egress> derive_egress(const EgressOptions& options, const ServiceDescription& service, const RunRequest& request,
                             const Resolve& resolve);

// The connections (of connections_json) with "addresses": {"name": [...]} where an entry names one of the hosts.
Json with_addresses(Json connections, const Egress& egress);

}  // namespace osiris::sdk
