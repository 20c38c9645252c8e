#include "plugins/e2b/config.h"

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "plugins/e2b/address.h"
#include "plugins/sdk/abi/host.h"

namespace osiris::e2b {
namespace {

constexpr int64_t kMiB = 1 << 20;

struct Text {
  osiris_str value{nullptr, 0};
  constexpr Text() = default;
  template <size_t N>
  constexpr Text(const char (&literal)[N]) : value{literal, N - 1} {}
};

struct Row {
  uint32_t type;
  uint32_t flags;
  Text name, help, value_name, bare_unit, default_value, minimum, maximum;
};

constexpr Row kRows[] = {
    {OSIRIS_TEXT, 0, "template", "Template the sandbox starts from: an id, a name or name:tag", "NAME", {}, {}, {}, {}},
    {OSIRIS_TEXT, 0, "image", "Build a template from this container image and use it", "IMAGE", {}, {}, {}, {}},
    {OSIRIS_INT, 0, "cpu", "Virtual CPUs: 1 or an even number; builds a template of that shape once", "N", {}, {}, "1", "32"},
    {OSIRIS_BYTES, 0, "mem", "Memory; builds a template of that shape once", "SIZE", "GiB", {}, "134217728", {}},
    {OSIRIS_BYTES, OSIRIS_HIDDEN, "memory-gb", "The same as mem", "SIZE", "GiB", {}, "134217728", {}},
    {OSIRIS_BYTES, 0, "min-free-disk", "Disk that is free once a template is built; builds one of that kind once", "SIZE", "GiB", {}, "0", "2251799812636672"},
    {OSIRIS_TEXT, 0, "gpu", "Refused: E2B offers no GPUs", "N", {}, {}, {}, {}},
    {OSIRIS_DURATION, 0, "timeout", "Deadline of the run", {}, {}, "900", "1", {}},
    {OSIRIS_DURATION, 0, "lease", "Life of the sandbox without news from this host; renewed while the run goes on", {}, {}, "120", "2", "3600"},
    {OSIRIS_BOOL, 0, "install-deps", "Install what the steps' requirements name, cached in a template", {}, {}, "false", {}, {}},
    {OSIRIS_CHOICE, 0, "deps-in", "Where they are installed: once in a template, or in every new sandbox (for an index that needs a password)", {}, {}, "template", {}, {}},
    {OSIRIS_PAIR, OSIRIS_REPEATED, "build-env", "A variable for the commands of a template build, such as PIP_INDEX_URL; no secrets: E2B keeps it with the template", {}, {}, {}, {}, {}},
    {OSIRIS_PAIR, OSIRIS_REPEATED | OSIRIS_SENSITIVE, "env", "A variable for the steps", {}, {}, {}, {}, {}},
    {OSIRIS_PATH, OSIRIS_REPEATED, "env-from", "A file of NAME=VALUE lines for the steps", "FILE", {}, {}, {}, {}},
    {OSIRIS_ENV, OSIRIS_REPEATED, "pass-env", "A variable of this environment to pass to the steps", "NAME", {}, {}, {}, {}},
    {OSIRIS_CHOICE, 0, "network", "What the sandbox may reach: the hosts of the pipeline's connections, everything or nothing", {}, {}, "derived", {}, {}},
    {OSIRIS_TEXT, OSIRIS_REPEATED, "network-allow", "A further host, address or CIDR the sandbox may reach", "HOST", {}, {}, {}, {}},
    {OSIRIS_BOOL, 0, "allow-loopback", "Allow connections to loopback addresses: only for a local E2B server", {}, {}, "false", {}, {}},
    {OSIRIS_BOOL, 0, "allow-private", "Allow connections to private addresses: only for a self-hosted E2B that lets sandboxes reach them", {}, {}, "false", {}, {}},
    {OSIRIS_TEXT, 0, "egress-proxy", "SOCKS5 proxy of yours for the sandbox's connections: [socks5://USER:PASSWORD@]HOST:PORT; for a database that allows one address", "PROXY", {}, {}, {}, {}},
    {OSIRIS_BOOL, 0, "keep", "Keep the sandbox for the next run of this pipeline until its lease ends", {}, {}, "false", {}, {}},
    {OSIRIS_PAIR, OSIRIS_REPEATED, "metadata", "Metadata for the sandbox, shown by E2B's own tools", {}, {}, {}, {}, {}},
    {OSIRIS_TEXT, OSIRIS_SHARED_ENV, "domain", "Domain of the E2B service", "DOMAIN", {}, "e2b.app", {}, {}},
    {OSIRIS_TEXT, OSIRIS_SHARED_ENV, "api-url", "Base URL of the control plane instead of https://api.DOMAIN", "URL", {}, {}, {}, {}},
    {OSIRIS_TEXT, OSIRIS_SHARED_ENV, "sandbox-url", "Base URL of every sandbox's envd", "URL", {}, {}, {}, {}},
    {OSIRIS_BOOL, 0, "allow-http", "Allow a service at an http:// URL of another machine: key and secrets travel in the clear", {}, {}, "false", {}, {}},
    {OSIRIS_PATH, 0, "ca-file", "Certificate authorities to trust beside the system's, PEM", "FILE", {}, {}, {}, {}},
    {OSIRIS_TEXT, 0, "proxy", "HTTP proxy for all calls; wins over https-proxy", "URL", {}, {}, {}, {}},
    {OSIRIS_TEXT, OSIRIS_COMMON_ENV, "https-proxy", "HTTP proxy for calls to https URLs", "URL", {}, {}, {}, {}},
    {OSIRIS_TEXT, OSIRIS_COMMON_ENV, "no-proxy", "Hosts that are called without a proxy: names, domains, addresses, separated by commas; * for all", "HOSTS", {}, {}, {}, {}},
    {OSIRIS_DURATION, 0, "connect-timeout", "Longest wait for a connection", {}, {}, "10", "0.1", {}},
    {OSIRIS_DURATION, 0, "request-timeout", "Longest wait for one call", {}, {}, "90", "0.1", {}},
    {OSIRIS_DURATION, 0, "create-timeout", "Longest wait for a sandbox", {}, {}, "90", "0.1", {}},
    {OSIRIS_DURATION, 0, "build-timeout", "Longest wait for a template build", {}, {}, "900", "1", {}},
    {OSIRIS_DURATION, 0, "retry-budget", "How long a call that fails is tried again", {}, {}, "30", "0", {}},
    {OSIRIS_INT, OSIRIS_HIDDEN, "heartbeat-ms", "Interval of the worker's heartbeats", "MS", {}, "1000", "50", "60000"},
    {OSIRIS_BOOL, OSIRIS_SHARED_ENV, "debug", "Write every call to adapter/e2b-wire.log of the session, secrets masked", {}, {}, "false", {}, {}},
};
constexpr size_t kRowCount = std::size(kRows);

constexpr osiris_str kNetworkChoices[] = {OSIRIS_STR("derived"), OSIRIS_STR("open"), OSIRIS_STR("none")};
constexpr osiris_str kDepsInChoices[] = {OSIRIS_STR("template"), OSIRIS_STR("sandbox")};

constexpr bool is_named(const Row& row, std::string_view name) { return std::string_view(row.name.value.data, row.name.value.len) == name; }

constexpr std::array<osiris_option, kRowCount> make_options() {
  std::array<osiris_option, kRowCount> options{};
  for (size_t i = 0; i < kRowCount; ++i) {
    const Row& row = kRows[i];
    options[i].size = sizeof(osiris_option);
    options[i].type = row.type;
    options[i].flags = row.flags;
    options[i].name = row.name.value;
    options[i].help = row.help.value;
    options[i].value_name = row.value_name.value;
    options[i].bare_unit = row.bare_unit.value;
    options[i].default_value = row.default_value.value;
    options[i].minimum = row.minimum.value;
    options[i].maximum = row.maximum.value;
    if (is_named(row, "network")) {
      options[i].choices = kNetworkChoices;
      options[i].choice_count = std::size(kNetworkChoices);
    } else if (is_named(row, "deps-in")) {
      options[i].choices = kDepsInChoices;
      options[i].choice_count = std::size(kDepsInChoices);
    }
  }
  return options;
}
constexpr std::array<osiris_option, kRowCount> kOptions = make_options();

constexpr std::array<const osiris_option*, kRowCount> make_pointers() {
  std::array<const osiris_option*, kRowCount> pointers{};
  for (size_t i = 0; i < kRowCount; ++i) pointers[i] = &kOptions[i];
  return pointers;
}
constexpr std::array<const osiris_option*, kRowCount> kPointers = make_pointers();

// Seconds with a fraction at most to the millisecond.
int64_t milliseconds(std::string_view text) {
  double seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return std::llround(seconds * 1000);
}

// Canonical text from the host: already checked against the descriptor.
int64_t number(std::string_view text) {
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// What goes into a template build stays at E2B, where whoever uses the template can read it.
Status check_build_variables(const Config& config) {
  for (const auto& [name, value] : config.build_environment) {
    const size_t scheme = value.find("://");
    const size_t end = scheme == std::string::npos ? 0 : value.find_first_of("/?# ", scheme + 3);
    if (scheme == std::string::npos || value.substr(0, end).find('@', scheme) == std::string::npos) continue;
    return Error(Code::kInvalidArgument, "--e2b-build-env " + name + " holds a URL with a user or password, which would be kept in the template",
                 "Pass it to the steps instead (--e2b-pass-env " + name + ") and install in the sandbox: --e2b-deps-in sandbox, with "
                 "--e2b-network-allow for the index.",
                 "config.invalid");
  }
  return {};
}

// A proxy on an address that E2B refuses is found before the sandbox is asked for.
Status check_network(const Config& config) {
  for (const std::string& text : config.network_allow)
    if (text.find('/') != std::string::npos && text.find("://") == std::string::npos && !is_address(text))
      return Error(Code::kInvalidArgument, "--e2b-network-allow " + text + " is neither a host nor a range of addresses", "Write a name, 203.0.113.7 or 203.0.113.0/24.",
                   "config.invalid");
  if (!config.egress_proxy || config.allow_private || config.allow_loopback) return {};
  const std::string host = host_of(config.egress_proxy->address);
  const auto denied = denied_range(host);
  if (!denied && !is_loopback(host)) return {};
  return Error(Code::kInvalidArgument, "--e2b-egress-proxy: E2B does not reach " + host + ", a private address",
               "E2B's own machines connect to the proxy: give it an address that the internet reaches. --e2b-allow-private is for a self-hosted E2B.",
               "config.invalid");
}

Status check_shape(const Config& config) {
  if (config.cpu_count && *config.cpu_count != 1 && *config.cpu_count % 2 != 0)
    return Error(Code::kInvalidArgument, "--e2b-cpu " + std::to_string(*config.cpu_count) + ": E2B offers 1 or an even number of CPUs",
                 "Ask for " + std::to_string(*config.cpu_count + 1) + ". Plans allow at most 8 unless raised.", "config.invalid");
  if (config.memory_bytes && *config.memory_bytes % (2 * kMiB) != 0)
    return Error(Code::kInvalidArgument, "--e2b-mem " + std::to_string(*config.memory_bytes) + " bytes: E2B offers even numbers of MiB from 128 on",
                 "Ask for a multiple of 2 MiB. Plans allow at most 8 GiB unless raised.", "config.invalid");
  if (!config.image.empty() && !config.template_id.empty())
    return Error(Code::kInvalidArgument, "--e2b-image and --e2b-template exclude each other", "Give one of them.", "config.invalid");
  return {};
}

}  // namespace

OptionTable option_table() { return {kPointers.data(), static_cast<uint32_t>(kRowCount)}; }

Result<Config> read_config(const osiris_setting* settings, size_t count) {
  Config config;
  for (size_t i = 0; i < count; ++i) {
    const std::string_view name = sdk::view(settings[i].name);
    const std::string value(sdk::view(settings[i].value));
    if (name == "gpu")
      return Error(Code::kUnsupported, "--e2b-gpu: E2B sandboxes have no GPU", "E2B offers up to 8 CPUs and 8 GiB (more on request); run GPU steps elsewhere.",
                   "config.invalid");
    if (name == "template") config.template_id = value;
    else if (name == "image") config.image = value;
    else if (name == "cpu") config.cpu_count = number(value);
    else if (name == "mem" || name == "memory-gb") config.memory_bytes = number(value);
    else if (name == "min-free-disk") config.min_free_disk_bytes = number(value);
    else if (name == "timeout") config.timeout_ms = milliseconds(value);
    else if (name == "lease") config.lease_s = (milliseconds(value) + 999) / 1000;
    else if (name == "install-deps") config.install_deps = value == "true";
    else if (name == "deps-in") config.deps_in_template = value == "template";
    else if (name == "build-env") config.build_environment[value.substr(0, value.find('='))] = value.substr(value.find('=') + 1);
    else if (name == "env") config.environment.pairs.push_back(value);
    else if (name == "env-from") config.environment.files.push_back(value);
    else if (name == "pass-env") config.environment.pass.push_back(value);
    else if (name == "network") config.network = value;
    else if (name == "network-allow") config.network_allow.push_back(value);
    else if (name == "allow-loopback") config.allow_loopback = value == "true";
    else if (name == "allow-private") config.allow_private = value == "true";
    else if (name == "egress-proxy") {
      OSIRIS_ASSIGN(config.egress_proxy, parse_egress_proxy(value));
    }
    else if (name == "keep") config.keep = value == "true";
    else if (name == "metadata") config.metadata[value.substr(0, value.find('='))] = value.substr(value.find('=') + 1);
    else if (name == "domain") config.domain = value;
    else if (name == "api-url") config.api_url = value;
    else if (name == "sandbox-url") config.sandbox_url = value;
    else if (name == "ca-file") config.ca_file = value;
    else if (name == "allow-http") config.allow_http = value == "true";
    else if (name == "proxy") config.proxy = value;
    else if (name == "https-proxy") config.https_proxy = value;
    else if (name == "no-proxy") config.no_proxy = value;
    else if (name == "connect-timeout") config.connect_timeout_ms = milliseconds(value);
    else if (name == "request-timeout") config.request_timeout_ms = milliseconds(value);
    else if (name == "create-timeout") config.create_timeout_ms = milliseconds(value);
    else if (name == "build-timeout") config.build_timeout_ms = milliseconds(value);
    else if (name == "retry-budget") config.retry_budget_ms = milliseconds(value);
    else if (name == "heartbeat-ms") config.heartbeat_ms = number(value);
    else if (name == "debug") config.debug = value == "true";
  }
  while (config.api_url.ends_with('/')) config.api_url.pop_back();
  while (config.sandbox_url.ends_with('/')) config.sandbox_url.pop_back();
  if (config.api_url.empty()) config.api_url = "https://api." + config.domain;
  OSIRIS_TRY(check_service_url("--e2b-api-url", config.api_url, config.allow_http));
  OSIRIS_TRY(check_service_url("--e2b-sandbox-url", config.sandbox_url, config.allow_http));
  OSIRIS_TRY(check_network(config));
  OSIRIS_TRY(check_shape(config));
  OSIRIS_TRY(check_build_variables(config));
  return config;
}

}  // namespace osiris::e2b
