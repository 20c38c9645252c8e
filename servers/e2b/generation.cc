#include "servers/e2b/generation.h"

#include <algorithm>
#include <iterator>

#include "servers/e2b/routing.h"

namespace osiris::e2b_server {
namespace {

struct NewerRoute {
  const char* method;
  const char* pattern;
  bool since_v2_creates;  // absent from the public infrastructure of August 2026; the others came before
};
// Every route with an older form that osiris or an SDK may fall back to.
constexpr NewerRoute kNewerRoutes[] = {{"POST", "/v2/sandboxes", true},
                                       {"POST", "/v2/sandboxes/{id}/connect", true},
                                       {"GET", "/v2/sandboxes", false},
                                       {"GET", "/v2/templates", false},
                                       {"POST", "/v3/templates", false}};

}  // namespace

std::vector<Route> routes_of_api(std::vector<Route> all, Options::Api api) {
  if (api == Options::Api::kNewest) return all;
  std::erase_if(all, [&](const Route& route) {
    return std::any_of(std::begin(kNewerRoutes), std::end(kNewerRoutes), [&](const NewerRoute& later) {
      return route.method == later.method && route.pattern == later.pattern &&
             (later.since_v2_creates || api != Options::Api::kV1Answers400);
    });
  });
  return all;
}

void answer_unknown_route(Exchange& exchange, const std::vector<Route>& routes, Options::Api api) {
  if (api == Options::Api::kV1Answers404)
    return exchange.respond(404, {{"content-type", "text/plain"}}, "404 page not found");
  if (api == Options::Api::kV1Answers405) return exchange.respond(405, {{"allow", "GET"}}, "");
  // The real API's router: a path that is there with another method is a wrong request.
  Request other = exchange.request();
  const bool is_there = std::any_of(routes.begin(), routes.end(), [&](const Route& route) {
    other.method = route.method;
    return match_route({route}, other).first != nullptr;
  });
  if (is_there) return exchange.respond_error(400, "validation error: method not allowed");
  exchange.respond_error(404, "validation error: no matching operation was found");
}

}  // namespace osiris::e2b_server
