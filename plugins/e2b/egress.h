// What a sandbox may reach, derived from the pipeline: the hosts of its own connections and nothing else, by address,
// because E2B's rules by name cover web ports only (docs/e2b.md).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "plugins/e2b/config.h"
#include "protocol/base/json.h"

namespace osiris::e2b {

struct Egress {
  bool internet = true;                 // false: nothing may be reached
  std::vector<std::string> hosts;       // as the connections name them, for plans and messages
  std::vector<std::string> allow;       // addresses and CIDRs
  bool restricted = false;              // `allow` is all that may be reached
  Json network() const;                 // the "network" of a create request, or null
};

// Addresses of a host name; an error names the host.
using Resolve = std::function<Result<std::vector<std::string>>(const std::string& host)>;
Resolve system_resolver();

// Hosts the connections of this run name: the fields host, url, endpoint and dsn-like ones (docs/plugin-abi.md), sorted.
std::vector<std::string> connection_hosts(const Json& connections);

bool is_loopback(const std::string& host);

// kInvalidArgument for a loopback host without --e2b-allow-loopback; kNotFound for a name that does not resolve.
Result<Egress> derive_egress(const Config& config, const Json& connections, const std::vector<std::string>& extra_hosts, const Resolve& resolve);
// Only the check for loopback hosts: no look-ups.
Status check_loopback(const Config& config, const Json& connections);

}  // namespace osiris::e2b
