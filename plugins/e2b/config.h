// What the adapter's options (options.h) say, as `configure` receives them.
#pragma once

#include <osiris/adapter.hpp>
#include <osiris/sdk/remote_adapter.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace osiris::e2b {

// E2B's public prices in US dollars, per vCPU and second and per GiB and second, and of when they are.
inline constexpr std::string_view kPriceCpuText = "0.000014", kPriceMemText = "0.0000045";
inline constexpr std::string_view kPricesDate = "2025-12";

struct Config : adapter_sdk::RemoteSettings {
  std::string template_id;  // empty: "base"
  std::string image;        // build a template from this image instead
  std::optional<int64_t> cpu_count;
  std::optional<int64_t> memory_bytes;
  std::optional<int64_t> min_free_disk_bytes;  // of a template's file system, after its build
  bool deps_in_template = true;                // otherwise by the worker, in the sandbox
  bool debug = false;

  std::optional<double> max_cost;  // in US dollars
  adapter_sdk::Milliseconds cost_reserve{0};
  double price_cpu = 0, price_mem = 0;
  bool has_own_prices = false;
  std::string price_date;

  std::string domain, api_url, sandbox_url;
  bool allow_http = false;
  std::string ca_file;
  std::string proxy;        // for every call
  std::string https_proxy;  // for calls to https URLs where `proxy` is empty
  std::string no_proxy;     // hosts reached without either
  adapter_sdk::Milliseconds connect_timeout{0};
  adapter_sdk::Milliseconds build_timeout{0};
};

// What options do that no member can take. Throw plugin::Failure.
void refuse_gpu(Config&, std::string_view);
void set_deps_in(Config& config, std::string_view value);
void set_egress_proxy(Config& config, std::string_view value);
void set_max_cost(Config& config, std::string_view value);
void set_price_cpu(Config& config, std::string_view value);
void set_price_mem(Config& config, std::string_view value);
void set_price_date(Config& config, std::string_view value);

// Throws plugin::Failure: OSIRIS_INVALID_ARGUMENT, OSIRIS_UNSUPPORTED (a GPU) with the limits named.
Config read_config(const std::vector<plugin::Setting>& settings);

}  // namespace osiris::e2b
