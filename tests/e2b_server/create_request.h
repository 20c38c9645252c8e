// What a create (and a change of the network) may ask for: the checks that the real API's schema and handlers make.
#pragma once

#include <optional>

#include "tests/e2b_server/api.h"

namespace osiris::e2b_server {

// nullopt: fine.
std::optional<ApiError> check_create(const Json& body);
std::optional<ApiError> check_egress(const Json& network);
// Seconds a sandbox may live at most; 400 for what is not positive or more.
std::optional<ApiError> check_timeout(int64_t timeout_s, int64_t life_max_s);
// nullopt: 1 to 255 of [a-z0-9-].
std::optional<ApiError> check_idempotency_key(const std::string& key);

}  // namespace osiris::e2b_server
