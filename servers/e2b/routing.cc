#include "servers/e2b/routing.h"

#include <algorithm>

#include "protocol/base/text.h"

namespace osiris::e2b_server {
namespace {

bool is_sandbox_id(std::string_view text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string_view::npos;
}

bool parse_port(const std::string& text, int& port) {
  if (text.empty() || text.size() > 5 || text.find_first_not_of("0123456789") != std::string::npos) return false;
  port = std::atoi(text.c_str());
  return port > 0 && port < 65536;
}

// "49983-iabc.example.org"
bool names_sandbox(const std::string& host) {
  const std::string label = host.substr(0, host.find('.'));
  const size_t dash = label.find('-');
  return label.size() < host.size() && dash != std::string::npos && dash > 0 &&
         label.find_first_not_of("0123456789") == dash;
}

void parse_host(const std::string& host, Destination& destination) {
  const std::string label = host.substr(0, host.find('.'));
  const size_t dash = label.find('-');
  if (!parse_port(label.substr(0, dash), destination.port))
    destination.error = "Invalid sandbox port";
  else if (!is_sandbox_id(destination.sandbox_id = label.substr(dash + 1)))
    destination.error = "Invalid sandbox ID";
}

}  // namespace

Destination find_destination(const Request& request) {
  Destination destination;
  const auto id = request.header("e2b-sandbox-id");
  const auto port = request.header("e2b-sandbox-port");
  if (id || port) {
    destination.is_envd = true;
    if (!id || !port)
      destination.error = id ? "Missing header E2b-Sandbox-Port" : "Missing header E2b-Sandbox-Id";
    else if (!parse_port(*port, destination.port))
      destination.error = "Invalid sandbox port";
    else if (!is_sandbox_id(*id))
      destination.error = "Invalid sandbox ID";
    else
      destination.sandbox_id = *id;
    return destination;
  }
  const std::string host = request.header("host").value_or("");
  const bool is_shared_host = host.starts_with("sandbox.");
  destination.is_envd =
      names_sandbox(host) || is_shared_host || (request.path == "/files" && request.query_value("signature"));
  if (names_sandbox(host))
    parse_host(host, destination);
  else if (is_shared_host && !request.query_value("signature"))
    destination.error = "Missing header E2b-Sandbox-Id";
  return destination;
}

std::pair<const Route*, std::vector<std::string>> match_route(const std::vector<Route>& routes,
                                                              const Request& request) {
  const std::vector<std::string> parts = split(request.path, '/');
  for (const Route& route : routes) {
    const bool head_of_get = request.method == "HEAD" && route.method == "GET";
    if (route.method != request.method && !head_of_get) continue;
    const std::vector<std::string> wanted = split(route.pattern, '/');
    if (wanted.size() != parts.size()) continue;
    std::vector<std::string> params;
    bool matches = true;
    for (size_t i = 0; matches && i < parts.size(); ++i) {
      if (wanted[i].starts_with('{'))
        params.push_back(parts[i]);
      else
        matches = wanted[i] == parts[i];
    }
    if (matches) return {&route, params};
  }
  return {nullptr, {}};
}

bool is_reserved(const Request& request) {
  constexpr std::string_view kReserved[] = {"/init",     "/freeze", "/unfreeze", "/collapse",
                                            "/fsfreeze", "/fsthaw", "/upgrade"};
  return std::find(std::begin(kReserved), std::end(kReserved), request.path) != std::end(kReserved);
}

}  // namespace osiris::e2b_server
