// What the adapter's options (options.h) say, as `configure` receives them.
#pragma once

#include <osiris/adapter.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/sdk/place/remote_settings.h"

namespace osiris::e2b {

struct Config : sdk::RemoteSettings {
  std::string template_id;  // empty: "base"
  std::string image;        // build a template from this image instead
  std::optional<int64_t> cpu_count;
  std::optional<int64_t> memory_bytes;
  std::optional<int64_t> min_free_disk_bytes;            // of a template's file system, after its build
  bool deps_in_template = true;                          // otherwise by the worker, in the sandbox
  std::map<std::string, std::string> build_environment;  // for the commands of a template build
  bool debug = false;

  std::string domain, api_url, sandbox_url;
  bool allow_http = false;
  std::string ca_file;
  std::string proxy;        // for every call
  std::string https_proxy;  // for calls to https URLs where `proxy` is empty
  std::string no_proxy;     // hosts reached without either
  sdk::Milliseconds connect_timeout{0};
  sdk::Milliseconds build_timeout{0};
};

// What options do that no member can take. Throw plugin::Failure.
void refuse_gpu(Config&, std::string_view);
void set_deps_in(Config& config, std::string_view value);
void set_egress_proxy(Config& config, std::string_view value);

// Throws plugin::Failure: OSIRIS_INVALID_ARGUMENT, OSIRIS_UNSUPPORTED (a GPU) with the limits named.
Config read_config(const std::vector<plugin::Setting>& settings);

}  // namespace osiris::e2b
