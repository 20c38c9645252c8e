#include "worker/executor/masked_config.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <vector>

#include "protocol/base/text.h"

namespace osiris::worker {
namespace {

constexpr std::array<std::string_view, 29> kSecretNames = {
    "password",    "passwd",       "pwd",           "token",
    "secret",      "secret_key",   "service_key",   "service_role_key",
    "api_key",     "apikey",       "access_token",  "refresh_token",
    "auth_token",  "bearer_token", "client_secret", "client_key",
    "key",         "dsn",          "pg_dsn",        "connection_string",
    "anon_key",    "auth",         "authorization", "bearer",
    "private_key", "access_key",   "session_key",   "encryption_key",
    "passphrase"};

void mask_at(Json& value, const std::vector<std::string>& path, size_t depth) {
  if (depth == path.size()) {
    if (!value.is_null()) value = Json(kMasked);
    return;
  }
  if (value.is_object()) {
    for (auto& [key, member] : value.members()) {
      if (path[depth] == "*" || path[depth] == key) mask_at(member, path, depth + 1);
    }
  } else if (value.is_array()) {
    for (Json& item : value.items()) mask_at(item, path, path[depth] == "*" ? depth + 1 : depth);
  }
}

void mask_names(Json& value) {
  if (value.is_array()) {
    for (Json& item : value.items()) mask_names(item);
  } else if (value.is_object()) {
    for (auto& [key, member] : value.members()) {
      if (member.is_object() || member.is_array()) {
        mask_names(member);
      } else if (names_a_secret(key) && !member.is_null()) {
        member = Json(kMasked);
      }
    }
  }
}

}  // namespace

bool names_a_secret(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) c = c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (lower == "primary_key") return false;
  const auto is_secret = [](std::string_view text) {
    return std::find(kSecretNames.begin(), kSecretNames.end(), text) != kSecretNames.end();
  };
  if (is_secret(lower)) return true;
  // "db_password", "X-Auth-Token": the last words are what it is.
  for (size_t at = lower.find('_'); at != std::string::npos; at = lower.find('_', at + 1)) {
    const std::string_view tail = std::string_view(lower).substr(at + 1);
    if (tail != "key" && is_secret(tail)) return true;
  }
  return false;
}

Json masked_config(Json config, std::string_view pointers, const Redactor& redactor) {
  for (const std::string& pointer : split(pointers, ' ')) {
    if (pointer.size() > 1) mask_at(config, split(std::string_view(pointer).substr(1), '/'), 0);
  }
  mask_names(config);
  redactor.redact(config);
  return config;
}

}  // namespace osiris::worker
