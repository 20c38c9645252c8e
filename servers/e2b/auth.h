// Who may do what: API keys of the control plane, access tokens and signatures of a sandbox, the acting user of a call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "servers/e2b/api.h"

namespace osiris::e2b_server {

// nullopt: let through. 401 otherwise.
std::optional<ApiError> check_api_key(const Request& request, std::string_view api_key);
// X-Access-Token of a secured sandbox (empty token: not secured).
std::optional<ApiError> check_access_token(const Request& request, std::string_view token);
// The rule of /files: the header when it is there, the signature otherwise.
std::optional<ApiError> check_file_access(const Request& request, std::string_view token, int64_t now_s);

// "v1_" + base64 without padding of SHA-256(path:operation:username:token[:expiration]).
std::string file_signature(std::string_view path, std::string_view operation, std::string_view username,
                           std::string_view token, std::optional<int64_t> expiration_s);
// Lower-case hex of HMAC-SHA-256.
std::string hmac_hex(std::string_view key, std::string_view text);
bool equal_secret(std::string_view a, std::string_view b);
// Whether the request's signature was made with this token, expired or not.
bool signature_matches(const Request& request, std::string_view token);

// Authorization: Basic base64("<user>:"). Empty: none given.
std::string acting_user(const Request& request);

}  // namespace osiris::e2b_server
