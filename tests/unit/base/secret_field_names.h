// Names that hold a secret: every name that one of the rules of a Python or a C++ Osiris called so. Tests of the judge
// expect it to know them all, tests of leaks plant a value under each.
#pragma once

#include <array>

namespace osiris {

inline constexpr std::array kSecretFieldNames = {
    "password",      "passphrase",  "credentials",   "encryption_key",   "role_key",
    "signing_key",   "key",         "auth_username", "clientSecret",     "x-api-key",
    "api_key",       "secret",      "token",         "refresh_token",    "private_key",
    "access_key",    "session_key", "service_key",   "service_role_key", "client_key",
    "anon_key",      "pwd",         "db_passwd",     "pg_dsn",           "connection_string",
    "authorization", "bearer",      "auth",          "X-Auth-Token",     "dbpassword",
    "apikey",        "oauth2",      "credential",    "E2B_API_KEY",      "access_token_v2"};

// Names that only look like one.
inline constexpr std::array kPlainFieldNames = {
    "primary_key",  "foreign_key", "url",         "host",        "user",    "username",  "author",      "authored_by",
    "keyboard",     "keys",        "tokens_used", "token_count", "auth_ms", "auth_type", "auth_method", "secret_name",
    "secret_names", "max_tokens",  "ssl_key",     "sort_key",    "passed",  "driver",    "path",        "database"};

}  // namespace osiris
