#include "plugins/e2b/config.h"

#include <algorithm>
#include <charconv>

#include "plugins/e2b/endpoints.h"
#include "plugins/e2b/failures.h"
#include "plugins/e2b/network.h"
#include "plugins/e2b/options.h"
#include "protocol/base/address.h"
#include "protocol/base/categories.h"

namespace osiris::e2b {
namespace {

constexpr int64_t kMiB = 1 << 20;

// What goes into a template build stays at E2B, where every user of the template can read it.
Status check_build_variables(const Config& config) {
  for (const auto& [name, value] : config.build_environment) {
    const size_t scheme = value.find("://");
    const size_t end = scheme == std::string::npos ? 0 : value.find_first_of("/?# ", scheme + 3);
    if (scheme == std::string::npos || value.substr(0, end).find('@', scheme) == std::string::npos) continue;
    return Error(
        Code::kInvalidArgument,
        "--e2b-build-env " + name + " holds a URL with a user or password, which would be kept in the template",
        "Pass it to the steps instead (--e2b-pass-env " + name +
            ") and install in the sandbox: --e2b-deps-in sandbox, with "
            "--e2b-network-allow for the index.",
        category::kConfigInvalid);
  }
  return {};
}

// What a kept sandbox holds is one run's after the other; several of them would need several memories of that.
Status check_sandboxes(const Config& config) {
  if (config.machines == 1 || !config.keep) return {};
  return Error(Code::kInvalidArgument, "--e2b-keep keeps one sandbox, and --e2b-sandboxes asks for several",
               "Leave one of them out.", category::kConfigInvalid);
}

// A cap that nothing is held against is none.
Status check_prices(const Config& config) {
  if (!config.max_cost || config.price_cpu > 0 || config.price_mem > 0) return {};
  return Error(Code::kInvalidArgument, "--e2b-max-cost cannot be kept: both prices are 0",
               "Give E2B's prices (--e2b-price-cpu, --e2b-price-mem), or no cap.", category::kConfigInvalid);
}

// A proxy on an address that E2B refuses is found before the sandbox is asked for.
Status check_network(const Config& config) {
  for (const std::string& text : config.network_allow)
    if (text.find('/') != std::string::npos && text.find("://") == std::string::npos && !is_address(text))
      return Error(Code::kInvalidArgument,
                   "--e2b-network-allow " + text + " is neither a host nor a range of addresses",
                   "Write a name, 203.0.113.7 or 203.0.113.0/24.", category::kConfigInvalid);
  if (!config.egress_proxy || config.allow_private || config.allow_loopback) return {};
  const std::string host = host_of(config.egress_proxy->address);
  const auto denied = range_of(host, service_description().denied_ranges);
  if (!denied && !is_loopback(host)) return {};
  return Error(Code::kInvalidArgument, "--e2b-egress-proxy: E2B does not reach " + host + ", a private address",
               "E2B's own machines connect to the proxy: give it an address that the internet reaches. "
               "--e2b-allow-private is for a self-hosted E2B.",
               category::kConfigInvalid);
}

Status check_shape(const Config& config) {
  if (config.cpu_count && *config.cpu_count != 1 && *config.cpu_count % 2 != 0)
    return Error(Code::kInvalidArgument,
                 "--e2b-cpu " + std::to_string(*config.cpu_count) + ": E2B offers 1 or an even number of CPUs",
                 "Ask for " + std::to_string(*config.cpu_count + 1) + ". Plans allow at most 8 unless raised.",
                 category::kConfigInvalid);
  if (config.memory_bytes && *config.memory_bytes % (2 * kMiB) != 0)
    return Error(
        Code::kInvalidArgument,
        "--e2b-mem " + std::to_string(*config.memory_bytes) + " bytes: E2B offers even numbers of MiB from 128 on",
        "Ask for a multiple of 2 MiB. Plans allow at most 8 GiB unless raised.", category::kConfigInvalid);
  if (!config.image.empty() && !config.template_id.empty())
    return Error(Code::kInvalidArgument, "--e2b-image and --e2b-template exclude each other", "Give one of them.",
                 category::kConfigInvalid);
  return {};
}

}  // namespace

void refuse_gpu(Config&, std::string_view) {
  throw to_failure(Error(Code::kUnsupported, "--e2b-gpu: E2B sandboxes have no GPU",
                         "E2B offers up to 8 CPUs and 8 GiB (more on request); run GPU steps elsewhere.",
                         category::kConfigInvalid));
}

void set_deps_in(Config& config, std::string_view value) { config.deps_in_template = value == "template"; }

void set_egress_proxy(Config& config, std::string_view value) {
  config.egress_proxy = value_or_throw(parse_egress_proxy(value));
}

void set_max_cost(Config& config, std::string_view value) {
  double dollars = 0;
  std::from_chars(value.data(), value.data() + value.size(), dollars);
  config.max_cost = dollars;
}

namespace {

// An option of numbers would show its default as 1.4e-05.
double price_of(Config& config, const char* flag, std::string_view text, std::string_view default_text) {
  double price = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), price);
  if (error != std::errc() || end != text.data() + text.size() || !(price >= 0 && price <= 1))
    throw to_failure(
        Error(Code::kInvalidArgument, std::string(flag) + ": '" + std::string(text) + "' is no price for a second",
              "Write US dollars from 0 to 1, such as " + std::string(default_text) + ".", category::kConfigInvalid));
  config.has_own_prices |= text != default_text;
  return price;
}

}  // namespace

void set_price_cpu(Config& config, std::string_view value) {
  config.price_cpu = price_of(config, "--e2b-price-cpu", value, kPriceCpuText);
}

void set_price_mem(Config& config, std::string_view value) {
  config.price_mem = price_of(config, "--e2b-price-mem", value, kPriceMemText);
}

void set_price_date(Config& config, std::string_view value) {
  if (value.empty() || value.size() > 40 ||
      std::any_of(value.begin(), value.end(), [](unsigned char c) { return c < 0x20; }))
    throw to_failure(Error(Code::kInvalidArgument, "--e2b-price-date is no date", "Write it as 2026-11-30.",
                           category::kConfigInvalid));
  config.price_date = value;
}

Config read_config(const std::vector<plugin::Setting>& settings) {
  Config config = plugin::defaults(kRows);
  plugin::apply(kRows, settings, config);
  while (config.api_url.ends_with('/')) config.api_url.pop_back();
  while (config.sandbox_url.ends_with('/')) config.sandbox_url.pop_back();
  if (config.api_url.empty()) config.api_url = "https://api." + config.domain;
  check_or_throw(check_service_url("--e2b-api-url", config.api_url, config.allow_http));
  check_or_throw(check_service_url("--e2b-sandbox-url", config.sandbox_url, config.allow_http));
  check_or_throw(check_network(config));
  check_or_throw(check_shape(config));
  check_or_throw(check_build_variables(config));
  check_or_throw(check_prices(config));
  check_or_throw(check_sandboxes(config));
  return config;
}

}  // namespace osiris::e2b
