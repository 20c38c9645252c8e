// What a sandbox may reach, derived from the pipeline: the hosts of its own connections and nothing else.
//
// E2B's rules have two halves (docs/e2b.md, "Network"). A name covers ports 80 and 443, and only a name opens E2B's name server to the
// sandbox; every other port is allowed by address. So a host goes into the rules as both: its name, and the addresses that this
// machine sees under it. The same addresses are lent to the worker, which uses them where its own look-up leads nowhere.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "plugins/e2b/address.h"
#include "plugins/e2b/config.h"
#include "plugins/sdk/abi/request.h"
#include "protocol/base/json.h"

namespace osiris::e2b {

// A host a run wants to reach.
struct EgressHost {
  std::string name;                    // a name, a pattern (*.example.org), an address or a range
  std::set<int> ports;                 // those the plan knows; empty: any
  std::string wanted_by;               // "connection @mysql.shop", "step pull", "--e2b-network-allow"
  std::vector<std::string> addresses;  // of a name, as this machine resolves it
};

struct Egress {
  bool internet = true;     // false: nothing may be reached
  bool restricted = false;  // `hosts` are all that may be reached
  std::vector<EgressHost> hosts;
  std::optional<EgressProxy> proxy;
  std::vector<std::string> notes;     // what a person should know of these rules
  std::vector<std::string> warnings;  // what will probably not work

  // Names and addresses, sorted: "allowOut" of a create request.
  std::vector<std::string> allow() const;
  // The "network" of a create request, or null. It holds the proxy's password.
  Json network() const;
  // The same for people and files: without the password.
  Json shown() const;
};

// IPv4 addresses of a host name, sorted; an error names the host.
using Resolve = std::function<Result<std::vector<std::string>>(const std::string& host)>;
Resolve system_resolver();

// The hosts of the plan, by step ("hosts" of manifest_json) and by connection (the fields host, url, endpoint and the like), each once.
std::vector<EgressHost> planned_hosts(const sdk::RunRequest& request);

// kInvalidArgument for a literal address that no sandbox reaches: loopback, without --e2b-allow-loopback, and E2B's denied ranges,
// without an egress proxy, --e2b-allow-private or --e2b-allow-loopback. No look-ups.
Status check_hosts(const Config& config, const sdk::RunRequest& request);

// That, and kNotFound for a name without an address that is wanted on another port than 80 and 443.
Result<Egress> derive_egress(const Config& config, const sdk::RunRequest& request, const Resolve& resolve);

// The connections (of connections_json) with "addresses": {"name": [...]} where an entry names one of the hosts.
Json with_addresses(Json connections, const Egress& egress);

}  // namespace osiris::e2b
