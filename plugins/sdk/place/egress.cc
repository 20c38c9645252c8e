#include "plugins/sdk/place/egress.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <map>

#include "protocol/base/address.h"
#include "protocol/base/categories.h"
#include "protocol/base/text.h"

namespace osiris::sdk {
namespace {

bool names_a_host(std::string_view field) {
  static const std::set<std::string_view> kFields = {"host",    "url",         "endpoint", "pg_host", "custom_base_url",
                                                     "sql_url", "sql_endpoint"};
  return kFields.count(field) > 0;
}

// By name, in the order they were met.
class Hosts {
 public:
  void add(const std::string& text, int port, const std::string& wanted_by) {
    const std::string name = host_of(text);
    if (name.empty()) return;
    const auto known =
        std::find_if(hosts_.begin(), hosts_.end(), [&](const EgressHost& host) { return host.name == name; });
    EgressHost& host = known != hosts_.end() ? *known : hosts_.emplace_back(EgressHost{name, {}, wanted_by, {}});
    if (port > 0) host.ports.insert(port);
  }
  std::vector<EgressHost> take() { return std::move(hosts_); }

 private:
  std::vector<EgressHost> hosts_;
};

void add_connection(Hosts& hosts, const std::string& reference, const PlanConnection& connection) {
  const Json& fields = connection.fields;
  const std::string& family = connection.family;
  const std::string wanted_by = "connection " + reference;
  const auto port_in = [&](const char* field) {
    return static_cast<int>(fields[field].is_string() ? std::atoi(fields[field].as_string().c_str())
                                                      : fields[field].as_int());
  };
  const int port = port_in("port");
  for (const auto& [field, value] : fields.members()) {
    if (!names_a_host(field) || value.as_string().empty()) continue;
    const int own = field == "pg_host" ? port_in("pg_port") : port_of(value.as_string());
    hosts.add(value.as_string(), own > 0 ? own : port, wanted_by);
  }
  if (family == "supabase" && fields["project_id"].is_string())
    hosts.add(fields["project_id"].as_string() + ".supabase.co", 443, wanted_by);
  // These families' own default, which their drivers would use.
  if ((family == "mysql" || family == "postgres") && !fields.contains("host")) hosts.add("localhost", port, wanted_by);
}

// "https://packages.example.org/simple" is taken for its host; a range keeps its slash.
std::vector<EgressHost> allowed_hosts(const EgressOptions& options, const ServiceDescription& service) {
  std::vector<EgressHost> hosts;
  for (const std::string& text : options.network_allow) {
    EgressHost host{is_address(text) ? text : host_of(text), {}, service.option_prefix + "network-allow", {}};
    if (const int port = port_of(text); port > 0) host.ports.insert(port);
    hosts.push_back(std::move(host));
  }
  return hosts;
}

bool is_pattern(const std::string& name) { return name.find('*') != std::string::npos; }

bool is_web(int port) { return port == 80 || port == 443; }
bool is_web_only(const EgressHost& host) {
  return !host.ports.empty() && std::all_of(host.ports.begin(), host.ports.end(), is_web);
}

// "db.example.org:3306", one for each port that is known.
std::string shown_name(const EgressHost& host) {
  if (host.ports.empty()) return host.name;
  std::string ports;
  for (const int port : host.ports) ports += (ports.empty() ? "" : ",") + std::to_string(port);
  return host.name + ":" + ports;
}

// With one of these the denied ranges are the proxy's concern.
bool reaches_private_ranges(const EgressOptions& options) {
  return options.egress_proxy || options.allow_private || options.allow_loopback;
}

std::string private_remedy(const ServiceDescription& service) {
  const std::string &flags = service.option_prefix, &name = service.name;
  const std::string &noun = service.noun, &plural = service.plural;
  return "Give it an address that the internet reaches, or send the " + noun +
         "'s connections through a SOCKS5 proxy of yours that reaches it (" + flags + "egress-proxy HOST:PORT). " +
         flags + "allow-private is for a self-hosted " + name + " that lets " + plural + " reach such addresses.";
}

// "a private address (10.0.0.0/8), which E2B never lets a sandbox reach"
std::string is_denied(const ServiceDescription& service, const std::string& range) {
  return "a private address (" + range + "), which " + service.name + " never lets a " + service.noun + " reach";
}

Status check_host(const EgressOptions& options, const ServiceDescription& service, const EgressHost& host) {
  const std::string &flags = service.option_prefix, &name = service.name, &noun = service.noun;
  if (!options.allow_loopback && is_loopback(host.name))
    return Error(Code::kInvalidArgument,
                 host.wanted_by + " names " + host.name + ", which inside a " + noun + " is the " + noun + " itself",
                 "Give the host a name or address that can be reached from the cloud; " + flags +
                     "allow-loopback exists for a local " + name + " server.",
                 category::kConnectionInvalidConfig);
  const auto denied = range_of(host.name, service.denied_ranges);
  if (!denied || reaches_private_ranges(options)) return {};
  return Error(Code::kInvalidArgument,
               host.wanted_by + " names " + host.name + ", " + is_denied(service, *denied) + ", whatever its rules say",
               private_remedy(service), category::kConnectionInvalidConfig);
}

// Tells what the rules make of one name, and whether it can be enough.
Status explain_name(const EgressOptions& options, const ServiceDescription& service, const EgressHost& host,
                    const Result<std::vector<std::string>>& resolved, Egress& egress) {
  const bool has_literal = std::any_of(options.network_allow.begin(), options.network_allow.end(), is_address);
  if (!resolved) {
    if (!host.ports.empty() && !is_web_only(host) && !has_literal) return resolved.error();
    egress.warnings.push_back(resolved.error().message + "; so it is allowed by name only, on ports 80 and 443");
    return {};
  }
  if (!is_web_only(host))
    egress.notes.push_back(
        shown_name(host) + ": on other ports than 80 and 443 what is allowed is the address seen from this machine, " +
        join(host.addresses, ", ") + "; where the " + service.noun +
        " sees others (a CDN, DNS by region) allow those too with " + service.option_prefix + "network-allow");
  if (reaches_private_ranges(options)) return {};
  for (const std::string& address : host.addresses)
    if (const auto denied = range_of(address, service.denied_ranges))
      egress.warnings.push_back(host.wanted_by + ": " + host.name + " is " + address + " as seen from this machine, " +
                                is_denied(service, *denied) + ". " + private_remedy(service));
  return {};
}

Json texts(const std::vector<std::string>& values) {
  Json list = Json::array();
  for (const std::string& value : values) list.push_back(value);
  return list;
}

}  // namespace

Resolve system_resolver(std::string_view option_prefix) {
  return [flags = std::string(option_prefix)](const std::string& host) -> Result<std::vector<std::string>> {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_family = AF_INET;  // machines of services speak IPv4 outwards
    addrinfo* list = nullptr;
    if (const int code = getaddrinfo(host.c_str(), nullptr, &hints, &list); code != 0)
      return Error(Code::kNotFound, "this machine finds no address of host " + host + ": " + gai_strerror(code),
                   "Check the host's name, or allow its address with " + flags + "network-allow.",
                   category::kConnectionNotFound);
    std::set<std::string> found;
    for (const addrinfo* entry = list; entry; entry = entry->ai_next) {
      char text[INET_ADDRSTRLEN] = {};
      inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(entry->ai_addr)->sin_addr, text, sizeof text);
      found.insert(text);
    }
    freeaddrinfo(list);
    return std::vector<std::string>(found.begin(), found.end());
  };
}

std::vector<EgressHost> planned_hosts(const RunRequest& request) {
  Hosts hosts;
  for (const auto& [reference, json] : request.connections["connections"].members())
    add_connection(hosts, reference, plan_connection_from_json(reference, json));
  for (const PlanStep& step : request.steps())
    for (const std::string& host : step.hosts) hosts.add(host, port_of(host), "step " + step.id);
  return hosts.take();
}

Status check_hosts(const EgressOptions& options, const ServiceDescription& service, const RunRequest& request) {
  for (const EgressHost& host : planned_hosts(request)) OSIRIS_TRY(check_host(options, service, host));
  for (const EgressHost& host : allowed_hosts(options, service)) OSIRIS_TRY(check_host(options, service, host));
  return {};
}

Result<Egress> derive_egress(const EgressOptions& options, const ServiceDescription& service, const RunRequest& request,
                             const Resolve& resolve) {
  OSIRIS_TRY(check_hosts(options, service, request));
  Egress egress;
  egress.proxy = options.egress_proxy;
  if (options.network == "open") return egress;
  if (options.network == "derived") egress.hosts = planned_hosts(request);
  for (EgressHost& host : allowed_hosts(options, service)) {
    const bool known = std::any_of(egress.hosts.begin(), egress.hosts.end(),
                                   [&](const EgressHost& other) { return other.name == host.name; });
    if (!known) egress.hosts.push_back(std::move(host));
  }
  for (EgressHost& host : egress.hosts) {
    if (is_ipv6(host.name))
      egress.warnings.push_back(host.wanted_by + " names " + host.name + ": " + service.plural +
                                " reach IPv4 addresses only");
    if (is_address(host.name) || is_pattern(host.name)) continue;
    const auto found = resolve(host.name);
    if (found) host.addresses = *found;
    OSIRIS_TRY(explain_name(options, service, host, found, egress));
  }
  egress.internet = egress.restricted = !egress.allow().empty();
  return egress;
}

Json with_addresses(Json connections, const Egress& egress) {
  for (auto& [reference, json] : connections.members()) {
    PlanConnection connection = plan_connection_from_json(reference, json);
    Json addresses = Json::object();
    for (const auto& [field, value] : connection.fields.members()) {
      if (!names_a_host(field)) continue;
      const std::string& written = value.as_string();
      const std::string name = host_of(written);
      for (const EgressHost& host : egress.hosts)
        if (host.name == name && !host.addresses.empty())
          addresses.set(written.find("://") == std::string::npos ? written : name, texts(host.addresses));
    }
    if (addresses.size() == 0) continue;
    connection.addresses = std::move(addresses);
    json = to_json(connection);
  }
  return connections;
}

}  // namespace osiris::sdk

namespace osiris::adapter_sdk {

std::vector<std::string> Egress::allow() const {
  std::set<std::string> all;
  for (const EgressHost& host : hosts) {
    if (!is_ipv6(host.name)) all.insert(host.name);
    all.insert(host.addresses.begin(), host.addresses.end());
  }
  return {all.begin(), all.end()};
}

}  // namespace osiris::adapter_sdk
