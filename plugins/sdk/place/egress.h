// What a remote machine may reach, derived from the pipeline: the hosts of its own connections and nothing else.
//
// A host goes into the rules as its name and as the addresses that this machine sees under it, for services whose rules
// by name do not cover every port. The same addresses are lent to the worker, which uses them where its own look-up
// leads nowhere.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/sdk/abi/request.h"
#include "protocol/base/json.h"

namespace osiris::sdk {

// A SOCKS5 proxy of the user's, through which the service sends a machine's TCP connections.
struct EgressProxy {
  std::string address;  // "proxy.example.org:1080"
  std::string user, password;
};

// What the user asks for.
struct EgressOptions {
  std::string network = "derived";         // or "open", "none"
  std::vector<std::string> network_allow;  // extra hosts, addresses or CIDRs
  std::optional<EgressProxy> egress_proxy;
  bool allow_loopback = false;
  bool allow_private = false;  // the service lets machines reach private addresses
};

// What the service makes of rules; static.
struct ServiceNetwork {
  std::string_view service;                         // "E2B", for messages
  std::string_view noun;                            // "sandbox"
  std::string_view plural;                          // "sandboxes"
  std::string_view flags;                           // "--e2b-": before the names of the options above
  std::span<const std::string_view> denied_ranges;  // which no machine ever reaches
};

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

  // Names and addresses, sorted: all that may be reached where `restricted`.
  std::vector<std::string> allow() const;
};

// IPv4 addresses of a host name, sorted; an error names the host. `flags`: of ServiceNetwork.
using Resolve = std::function<Result<std::vector<std::string>>(const std::string& host)>;
Resolve system_resolver(std::string_view flags);

// The hosts of the plan, by step ("hosts" of manifest_json) and by connection (the fields host, url, endpoint and the
// like), each once.
std::vector<EgressHost> planned_hosts(const RunRequest& request);

// kInvalidArgument for a literal address that no machine reaches: loopback, without allow_loopback, and the service's
// denied ranges, without an egress proxy, allow_private or allow_loopback. No look-ups.
Status check_hosts(const EgressOptions& options, const ServiceNetwork& service, const RunRequest& request);

// That, and kNotFound for a name without an address that is wanted on another port than 80 and 443.
Result<Egress> derive_egress(const EgressOptions& options, const ServiceNetwork& service, const RunRequest& request,
                             const Resolve& resolve);

// The connections (of connections_json) with "addresses": {"name": [...]} where an entry names one of the hosts.
Json with_addresses(Json connections, const Egress& egress);

}  // namespace osiris::sdk
