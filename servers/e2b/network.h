// Egress rules by address, for `--network isolated` as root. Every sandbox has an empty network of its own with one
// link to a router namespace of this server; the router knows the way to what the sandbox may reach and leads the rest
// to the gate (gate.h), out of reach of the processes inside. The name server is one more address: reached by who may
// reach everything, or was given a name or that address. The machine's end of the router carries the service addresses,
// on which a test's database listens. Only routes are used: no packet filter has to be installed.
#pragma once

#include <sys/types.h>

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "servers/e2b/names.h"

namespace osiris::e2b_server {

// The process that keeps the router namespace alive: `osiris-e2b-server --hold-network`; ends when its stdin does.
int hold_network();

// What one sandbox may reach.
struct EgressRules {
  std::vector<std::string> allow;  // addresses and CIDRs
  std::vector<std::string> deny;
  bool all = true;         // what neither list names
  bool tunnelled = false;  // through a SOCKS5 proxy of the user's
};
// From a create or network request. Names cannot be enforced by address: they open the name server and nothing else.
EgressRules egress_rules(const Json& network, bool allow_internet);

// [any thread]
class NetworkManager {
 public:
  // `names`: what the name server knows beside the machine's own; "service:N" stands for the Nth service address.
  static Result<std::unique_ptr<NetworkManager>> create(const NameTable& names);
  ~NetworkManager();

  // Plugs the network namespace of the process `host_pid` in.
  Status attach(const std::string& sandbox_id, pid_t host_pid, const EgressRules& rules);
  Status change(const std::string& sandbox_id, const EgressRules& rules);
  void detach(const std::string& sandbox_id);

  // Addresses of this machine that sandboxes can be allowed to reach.
  std::vector<std::string> service_addresses() const;

 private:
  struct State;
  explicit NetworkManager(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace osiris::e2b_server
