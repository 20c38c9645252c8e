// What a create (and a change of the network) may ask for: the checks that the real API's schema and handlers make.
#pragma once

#include <optional>

#include "servers/e2b/api.h"
#include "servers/e2b/names.h"

namespace osiris::e2b_server {

// nullopt: fine.
std::optional<ApiError> check_create(const Json& body);
std::optional<ApiError> check_egress(const Json& network);
// Where the SOCKS5 proxy of a network request is: 400 for a host without address and for one in a range that E2B
// denies. Looks names up, in `names` first.
std::optional<ApiError> check_proxy_host(const Json& network, const NameTable& names);
// Seconds a sandbox may live at most; 400 for what is not positive or more.
std::optional<ApiError> check_timeout(int64_t timeout_s, int64_t life_max_s);
// nullopt: 1 to 255 of [a-z0-9-].
std::optional<ApiError> check_idempotency_key(const std::string& key);

}  // namespace osiris::e2b_server
