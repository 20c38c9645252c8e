// osiris/sdk/egress.hpp: what a machine elsewhere may reach, derived from the pipeline: the hosts of its own
// connections and nothing else.
//
// A host goes into the rules as its name and as the addresses that this machine sees under it, for services whose rules
// by name do not cover every port. The same addresses are lent to the worker, which uses them where its own look-up
// leads nowhere.
#pragma once

#include <osiris/adapter.hpp>
#include <osiris/sdk/service.hpp>

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace osiris::adapter_sdk {

// A SOCKS5 proxy of the user's, through which the service sends a machine's TCP connections.
struct EgressProxy {
  std::string address;         // "proxy.example.org:1080"
  std::string user, password;  // the password is a secret: it is in no document, event or message
};

// What the user asks for. Derive your configuration from it (RemoteSettings does).
struct EgressOptions {
  std::string network = "derived";         // or "open", "none"
  std::vector<std::string> network_allow;  // extra hosts, addresses or ranges ("203.0.113.0/24")
  std::optional<EgressProxy> egress_proxy;
  bool allow_loopback = false;
  bool allow_private = false;  // the service lets machines reach private addresses
};

// A host that a run wants to reach.
struct EgressHost {
  std::string name;                    // a name, a pattern (*.example.org), an address or a range
  std::set<int> ports;                 // those the plan knows; empty: any
  std::string wanted_by;               // "connection @mysql.shop", "step pull", "--e2b-network-allow"
  std::vector<std::string> addresses;  // of a name: IPv4, as this machine resolves it; sorted
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

// [any thread] The rules for a run; asks this machine's resolver. RemoteAdapter does this by itself: it is here for an
// explanation (plugin::Explanation). Throws OSIRIS_INVALID_ARGUMENT for an address that no machine reaches, and for a
// document of the request that cannot be read; OSIRIS_NOT_FOUND for a name without an address that is wanted on another
// port than 80 and 443.
Egress derive_egress(const EgressOptions& options, const ServiceDescription& service, const plugin::Request& request);

}  // namespace osiris::adapter_sdk
