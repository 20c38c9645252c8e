#include "servers/e2b/create_request.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

namespace osiris::e2b_server {
namespace {

constexpr size_t kRuleDomainsMax = 10;

ApiError invalid(const std::string& what) { return {400, "validation error: " + what, {}}; }

bool names_domains(const Json& list) {
  for (const Json& item : list.items())
    if (item.as_string().find(':') == std::string::npos &&
        item.as_string().find_first_not_of("0123456789./") != std::string::npos)
      return true;
  return false;
}

bool denies_everything(const Json& list) {
  return std::any_of(list.items().begin(), list.items().end(),
                     [](const Json& item) { return item.as_string() == "0.0.0.0/0"; });
}

bool is_bool_or_absent(const Json& value) { return value.is_null() || value.is_bool(); }
bool is_object_or_absent(const Json& value) { return value.is_null() || value.is_object(); }

std::optional<ApiError> check_types(const Json& body) {
  if (!body["timeout"].is_null() && !body["timeout"].is_int())
    return invalid("property \"timeout\" must be an integer");
  for (const char* key : {"secure", "allow_internet_access", "autoPause", "autoPauseMemory"})
    if (!is_bool_or_absent(body[key])) return invalid("property \"" + std::string(key) + "\" must be a boolean");
  for (const char* key : {"metadata", "envVars", "network", "autoResume"})
    if (!is_object_or_absent(body[key])) return invalid("property \"" + std::string(key) + "\" must be an object");
  for (const char* key : {"metadata", "envVars"})
    for (const auto& [name, value] : body[key].members())
      if (!value.is_string()) return invalid("\"" + std::string(key) + "." + name + "\" must be a string");
  return std::nullopt;
}

bool is_range(const std::string& text) {
  in6_addr bytes{};
  const std::string address = text.substr(0, text.find('/'));
  return ::inet_pton(AF_INET, address.c_str(), &bytes) == 1 || ::inet_pton(AF_INET6, address.c_str(), &bytes) == 1;
}

ApiError bad_proxy(const std::string& why) { return {400, "Invalid egress proxy config: " + why, {}}; }

std::optional<ApiError> check_proxy(const Json& proxy) {
  constexpr size_t kCredentialBytesMax = 255;
  if (proxy.is_null()) return std::nullopt;
  if (!proxy.is_object() || !proxy["address"].is_string()) return invalid("property \"address\" is missing");
  for (const char* key : {"username", "password"}) {
    if (!proxy[key].is_null() && !proxy[key].is_string())
      return invalid("\"egressProxy." + std::string(key) + "\" must be a string");
    if (proxy[key].as_string().size() > kCredentialBytesMax) return invalid("maximum string length is 255");
  }
  const std::string& address = proxy["address"].as_string();
  const size_t colon = address.rfind(':');
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  if (address.empty()) return bad_proxy("egress proxy address must not be empty");
  if (colon == std::string::npos)
    return bad_proxy("egress proxy address must be in host:port form: missing port in address");
  if (colon == 0) return bad_proxy("egress proxy host must not be empty");
  const bool is_number = !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number || std::stoi(port) < 1 || std::stoi(port) > 65535)
    return bad_proxy("egress proxy port \"" + port + "\" is not a valid 1-65535 value");
  if (proxy["username"].as_string().empty() && !proxy["password"].as_string().empty())
    return bad_proxy("egress proxy password must be empty when username is empty");
  return std::nullopt;
}

bool is_denied(const in_addr& address) {
  static constexpr std::pair<uint32_t, int> kDenied[] = {{0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},
                                                         {0xa9fe0000, 16}, {0xac100000, 12}, {0xc0a80000, 16}};
  const uint32_t value = ntohl(address.s_addr);
  return std::any_of(std::begin(kDenied), std::end(kDenied),
                     [&](const auto& range) { return ((value ^ range.first) >> (32 - range.second)) == 0; });
}

}  // namespace

std::optional<ApiError> check_proxy_host(const Json& network, const NameTable& names) {
  const std::string& place = network["egressProxy"]["address"].as_string();
  if (place.empty()) return std::nullopt;
  std::string host = place.substr(0, place.rfind(':'));
  if (const auto known = names.find(host); known != names.end()) host = known->second;
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0)
    return bad_proxy("resolve egress proxy host \"" + host + "\": no such host");
  const in_addr address = reinterpret_cast<const sockaddr_in*>(found->ai_addr)->sin_addr;
  ::freeaddrinfo(found);
  if (!is_denied(address)) return std::nullopt;
  char text[INET_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET, &address, text, sizeof text);
  return bad_proxy("egress proxy endpoint resolves to an internal / denied IP range: " + host + " resolves to " + text);
}

std::optional<ApiError> check_egress(const Json& network) {
  for (const char* key : {"allowOut", "denyOut"}) {
    if (!network[key].is_null() && !network[key].is_array())
      return invalid("\"network." + std::string(key) + "\" must be an array");
    for (const Json& item : network[key].items())
      if (!item.is_string()) return invalid("\"network." + std::string(key) + "\" must hold strings");
  }
  if (names_domains(network["allowOut"]) && !denies_everything(network["denyOut"]))
    return ApiError{400, "When specifying allowed domains in allowOut, denyOut must contain 0.0.0.0/0", {}};
  for (const Json& item : network["denyOut"].items())
    if (!is_range(item.as_string())) return ApiError{400, "invalid denied CIDR " + item.as_string(), {}};
  for (const Json& item : network["allowOut"].items())
    if (item.as_string() == "0.0.0.0" || item.as_string() == "::")
      return ApiError{400, "invalid allowed address " + item.as_string(), {}};
  if (auto wrong = check_proxy(network["egressProxy"])) return wrong;
  if (network["rules"].size() > kRuleDomainsMax) return invalid("\"network.rules\" has more than 10 domains");
  return std::nullopt;
}

std::optional<ApiError> check_timeout(int64_t timeout_s, int64_t life_max_s) {
  if (timeout_s <= 0) return ApiError{400, "Timeout must be greater than 0", {}};
  if (timeout_s <= life_max_s) return std::nullopt;
  const bool is_whole = life_max_s % 3600 == 0;
  return ApiError{400,
                  "Timeout cannot be greater than " + std::to_string(is_whole ? life_max_s / 3600 : life_max_s) +
                      (is_whole ? " hours" : " seconds"),
                  {}};
}

std::optional<ApiError> check_idempotency_key(const std::string& key) {
  constexpr size_t kKeyMax = 255;
  const bool fits = !key.empty() && key.size() <= kKeyMax &&
                    key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
  if (fits) return std::nullopt;
  return invalid("header \"Idempotency-Key\" must be 1 to 255 lower-case letters, digits and hyphens");
}

std::optional<ApiError> check_create(const Json& body) {
  if (!body.is_object()) return invalid("the body is not a JSON object");
  if (!body["templateID"].is_string()) return invalid("property \"templateID\" is missing");
  if (auto wrong = check_types(body)) return wrong;
  if (!body["autoPauseMemory"].as_bool(true) &&
      (!body["autoPause"].as_bool() || body["autoResume"]["enabled"].as_bool()))
    return ApiError{400, "autoPauseMemory: false needs autoPause and excludes autoResume", {}};
  if (body["volumeMounts"].size() > 0) return ApiError{400, "volumeMounts: this server has no volumes", {}};
  return check_egress(body["network"]);
}

}  // namespace osiris::e2b_server
