#include "plugins/e2b/egress.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <set>

namespace osiris::e2b {
namespace {

bool is_address(const std::string& text) {
  in6_addr bytes{};
  const std::string address = text.substr(0, text.find('/'));
  return inet_pton(AF_INET, address.c_str(), &bytes) == 1 || inet_pton(AF_INET6, address.c_str(), &bytes) == 1;
}

// "db.example", "https://user@db.example:5432/x" and "[::1]:80" all name a host.
std::string host_of(std::string text) {
  if (const size_t scheme = text.find("://"); scheme != std::string::npos) text = text.substr(scheme + 3);
  text = text.substr(0, text.find_first_of("/?#"));
  if (const size_t at = text.rfind('@'); at != std::string::npos) text = text.substr(at + 1);
  if (text.starts_with('[')) return text.substr(1, text.find(']') - 1);
  if (std::count(text.begin(), text.end(), ':') == 1) text = text.substr(0, text.find(':'));
  return text;
}

bool names_a_host(std::string_view field) {
  static const std::set<std::string_view> kFields = {"host", "url", "endpoint", "pg_host", "custom_base_url", "sql_url", "sql_endpoint"};
  return kFields.count(field) > 0;
}

}  // namespace

Json Egress::network() const {
  if (!restricted) return {};
  Json allowed = Json::array();
  for (const std::string& address : allow) allowed.push_back(address);
  return Json::object({{"allowOut", allowed}, {"denyOut", Json::array({"0.0.0.0/0"})}});
}

Resolve system_resolver() {
  return [](const std::string& host) -> Result<std::vector<std::string>> {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_family = AF_INET;  // sandboxes speak IPv4 outwards
    addrinfo* list = nullptr;
    if (const int code = getaddrinfo(host.c_str(), nullptr, &hints, &list); code != 0)
      return Error(Code::kNotFound, "cannot resolve host " + host + " of a connection: " + gai_strerror(code),
                   "Check the connection's host, or allow its address with --e2b-network-allow.", "connection.not_found");
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

std::vector<std::string> connection_hosts(const Json& connections) {
  std::set<std::string> hosts;
  for (const auto& [reference, connection] : connections["connections"].members()) {
    for (const auto& [field, value] : connection["fields"].members())
      if (names_a_host(field) && !value.as_string().empty()) hosts.insert(host_of(value.as_string()));
    if (connection["family"].as_string() == "supabase" && connection["fields"]["project_id"].is_string())
      hosts.insert(connection["fields"]["project_id"].as_string() + ".supabase.co");
    // The mysql family's own default, which its driver would use.
    if (connection["family"].as_string() == "mysql" && !connection["fields"].contains("host")) hosts.insert("localhost");
  }
  hosts.erase("");
  return {hosts.begin(), hosts.end()};
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") || host == "::1" || host == "0.0.0.0";
}

Status check_loopback(const Config& config, const Json& connections) {
  if (config.allow_loopback) return {};
  for (const auto& [reference, connection] : connections["connections"].members()) {
    const Json one = Json::object({{"connections", Json::object({{reference, connection}})}});
    for (const std::string& host : connection_hosts(one))
      if (is_loopback(host))
        return Error(Code::kInvalidArgument,
                     "connection " + reference + " names " + host + ", which inside a sandbox is the sandbox itself",
                     "Give the host a name or address that can be reached from the cloud; --e2b-allow-loopback exists for a local E2B server.",
                     "connection.invalid_config");
  }
  return {};
}

Result<Egress> derive_egress(const Config& config, const Json& connections, const std::vector<std::string>& extra_hosts, const Resolve& resolve) {
  OSIRIS_TRY(check_loopback(config, connections));
  Egress egress;
  if (config.network == "open") return egress;
  if (config.network == "derived") {
    egress.hosts = connection_hosts(connections);
    egress.hosts.insert(egress.hosts.end(), extra_hosts.begin(), extra_hosts.end());
  }
  for (const std::string& host : config.network_allow) egress.hosts.push_back(host);
  std::set<std::string> addresses;
  for (const std::string& host : egress.hosts) {
    if (is_address(host)) {
      addresses.insert(host);
      continue;
    }
    OSIRIS_ASSIGN(const std::vector<std::string> found, resolve(host));
    addresses.insert(found.begin(), found.end());
  }
  egress.allow.assign(addresses.begin(), addresses.end());
  egress.internet = !egress.allow.empty();
  egress.restricted = egress.internet;
  return egress;
}

}  // namespace osiris::e2b
