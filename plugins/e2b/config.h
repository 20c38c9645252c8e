// The adapter's options, as `configure` receives them (docs/e2b.md lists them for users), and their descriptors.
#pragma once

#include <osiris/adapter.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plugins/e2b/api/control_plane.h"
#include "plugins/e2b/endpoints.h"
#include "plugins/sdk/run/environment.h"

namespace osiris::e2b {

struct Config {
  std::string template_id;  // empty: "base"
  std::string image;        // build a template from this image instead
  std::optional<int64_t> cpu_count;
  std::optional<int64_t> memory_bytes;
  std::optional<int64_t> min_free_disk_bytes;  // of a template's file system, after its build
  int64_t timeout_ms = 900'000;
  int64_t lease_s = 120;
  bool install_deps = false;
  bool deps_in_template = true;  // otherwise by the worker, in the sandbox
  std::map<std::string, std::string> build_environment;  // for the commands of a template build
  bool allow_loopback = false;
  bool allow_private = false;  // the service lets sandboxes reach private addresses
  bool keep = false;
  bool debug = false;
  std::string network = "derived";          // or "open", "none"
  std::vector<std::string> network_allow;   // extra hosts, addresses or CIDRs
  std::optional<EgressProxy> egress_proxy;
  std::map<std::string, std::string> metadata;
  sdk::EnvironmentOptions environment;

  std::string domain = "e2b.app";
  std::string api_url, sandbox_url;
  bool allow_http = false;
  std::string ca_file;
  std::string proxy;        // for every call
  std::string https_proxy;  // for calls to https URLs where `proxy` is empty
  std::string no_proxy;     // hosts reached without either
  int64_t connect_timeout_ms = 10'000;
  int64_t request_timeout_ms = 90'000;
  int64_t create_timeout_ms = 90'000;
  int64_t build_timeout_ms = 900'000;
  int64_t retry_budget_ms = 30'000;
  int64_t heartbeat_ms = 1000;
};

// The descriptor table; static.
struct OptionTable {
  const osiris_option* const* options;
  uint32_t count;
};
OptionTable option_table();

// kInvalidArgument, kUnsupported (a GPU) with the limits named.
Result<Config> read_config(const osiris_setting* settings, size_t count);

}  // namespace osiris::e2b
