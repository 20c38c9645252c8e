// How new the API is that this server speaks (--api): which control-plane routes there are, and how a call to one that
// is not there is answered.
#pragma once

#include <vector>

#include "servers/e2b/options.h"
#include "servers/e2b/server.h"

namespace osiris::e2b_server {

// What of `all` an API of this age has.
std::vector<Route> routes_of_api(std::vector<Route> all, Options::Api api);

// The answer to a request that is for none of `routes`.
void answer_unknown_route(Exchange& exchange, const std::vector<Route>& routes, Options::Api api);

}  // namespace osiris::e2b_server
