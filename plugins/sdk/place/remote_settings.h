// What every adapter with a remote place lets the user choose, beside its own options.
#pragma once

#include <chrono>
#include <cstdint>

#include "plugins/sdk/place/egress.h"
#include "plugins/sdk/place/place.h"
#include "plugins/sdk/run/lent_variables.h"

namespace osiris::sdk {

struct RemoteSettings : EnvironmentOptions, EgressOptions {
  Milliseconds timeout{0};         // of the run
  Milliseconds lease{0};           // life of the machine without news from this host; whole seconds
  Milliseconds create_timeout{0};  // of one create
  Milliseconds request_timeout{0};
  Milliseconds retry_budget{0};
  int64_t heartbeat_ms = 0;
  bool install_deps = false;
  bool keep = false;     // the machine, for the next run of the same pipeline
  int64_t machines = 1;  // for shards of a run; at most
  Metadata metadata;

  int64_t lease_s() const { return std::chrono::ceil<std::chrono::seconds>(lease).count(); }
};

}  // namespace osiris::sdk
