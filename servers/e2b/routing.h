// Which plane, which sandbox and which handler a request is for.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "servers/e2b/server.h"

namespace osiris::e2b_server {

inline constexpr int kEnvdPort = 49983;

struct Destination {
  bool is_envd = false;
  std::string sandbox_id;  // empty on the envd plane: to be found by signature
  int port = kEnvdPort;
  std::string error;  // one line of text for a 400
};
// By the two headers; else by a "{port}-{id}.domain" host; else, for signed file URLs, by nothing.
Destination find_destination(const Request& request);

// nullptr: none. The params are the {...} segments.
std::pair<const Route*, std::vector<std::string>> match_route(const std::vector<Route>& routes, const Request& request);

// Routes of envd that only the orchestrator may call.
bool is_reserved(const Request& request);

}  // namespace osiris::e2b_server
