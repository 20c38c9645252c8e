// The first program of a sandbox: `osiris-e2b-server --sandbox-init CONFIG`, started by launcher.cc in a process of its
// own. It makes the namespaces, builds the root view and then becomes the agent (process 1 inside).
#pragma once

#include <string>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::e2b_server {

struct InitConfig {
  // Absolute. root becomes /; usr_local becomes /usr/local; the host's /usr is seen read-only.
  std::string root;
  std::string usr_local;
  std::string hostname;
  bool namespaces = true;    // false: no isolation but the directory; see AgentConfig::prefix
  bool own_network = false;  // an empty network (loopback only) instead of the machine's
  // Where the sandbox's ids 0..65535 are on the machine when the server is root. 0: only the server's own id is there,
  // and it is `user`.
  unsigned id_base = 0;
  // Its processes are numbered from here on, so that those of different sandboxes differ as those of different machines
  // do. 0: from 2, which is also what a kernel without ns_last_pid does.
  int first_pid = 0;

  Json to_json() const;
  static Result<InitConfig> from_text(std::string_view text);
};

inline constexpr unsigned kUserId = 1000;  // of `user`, inside
inline constexpr unsigned kIdCount = 65536;

// The descriptor the agent's socket has in a sandbox's first process.
inline constexpr int kAgentSocket = 3;

int run_sandbox_init(const InitConfig& config);

}  // namespace osiris::e2b_server
