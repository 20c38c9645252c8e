// What isolated sandboxes meet where no route leads: two devices in the router's namespace whose packets come to this
// process.
//
//   denied    TCP is accepted and closed at once, as E2B's TCP firewall does; everything else vanishes
//   names     the name server, 8.8.8.8 as in E2B: port 53 is answered, the rest is as above
//
// The router's rules decide which sandbox's packets get here (network.cc).
#pragma once

#include <sys/types.h>

#include <memory>
#include <thread>

#include "protocol/base/error.h"
#include "servers/e2b/agent/message.h"
#include "servers/e2b/names.h"

namespace osiris::e2b_server {

inline constexpr const char* kNameServer = "8.8.8.8";
inline constexpr const char* kDeniedDevice = "denied";
inline constexpr const char* kNamesDevice = "names";

class Gate {
 public:
  // Makes the devices in the network namespace of the process `holder`; they are down. Needs root and /dev/net/tun.
  static Result<std::unique_ptr<Gate>> create(pid_t holder, NameTable names);
  ~Gate();

 private:
  explicit Gate(NameTable names) : names_(std::move(names)) {}
  void serve();
  void take_denied();
  void take_name_query();
  void take_upstream_answer();
  void ask_upstream(const std::string& asker, std::string_view query);

  const NameTable names_;
  FileDescriptor denied_, query_, upstream_, stop_read_, stop_write_;
  struct PendingQuery {
    std::string asker;  // the packet that asked
    uint16_t id = 0;    // its query's
  };
  std::map<uint16_t, PendingQuery> pending_;
  uint16_t next_id_ = 1;
  std::thread thread_;
};

}  // namespace osiris::e2b_server
