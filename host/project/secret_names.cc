#include "host/project/secret_names.h"

#include <algorithm>
#include <array>

namespace osiris {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

constexpr std::array<std::string_view, 20> kSecretNames = {
    "password",     "passwd",           "pwd",        "token",        "secret",        "secret_key",
    "service_key",  "service_role_key", "api_key",    "access_token", "refresh_token", "auth_token",
    "bearer_token", "client_secret",    "client_key", "key",          "dsn",           "connection_string",
    "anon_key",     "auth_username"};
constexpr std::array<std::string_view, 15> kSecretWords = {
    "api_key",           "apikey", "token",       "auth",       "authorization",
    "password",          "passwd", "pwd",         "secret",     "dsn",
    "connection_string", "bearer", "private_key", "access_key", "session_key"};
// Not secret although a word of theirs says so.
constexpr std::array<std::string_view, 6> kPlainNames = {"primary_key",      "url",         "auth_type",
                                                         "auth_header_name", "foreign_key", "ssl_key"};

bool is_url(std::string_view value) {
  const size_t scheme = value.find("://");
  return scheme != std::string_view::npos && scheme > 0;
}

}  // namespace

bool is_secret_name(std::string_view field) {
  return std::find(kSecretNames.begin(), kSecretNames.end(), lower(field)) != kSecretNames.end();
}

bool is_secret_like_name(std::string_view field) {
  const std::string name = lower(field);
  if (std::find(kPlainNames.begin(), kPlainNames.end(), name) != kPlainNames.end()) return false;
  if (is_secret_name(name)) return true;
  return std::any_of(kSecretWords.begin(), kSecretWords.end(),
                     [&name](std::string_view word) { return name.find(word) != std::string::npos; });
}

bool holds_url_password(std::string_view value) { return is_url(value) && !authority_password(value).empty(); }

std::string mask_url_password(std::string_view value) { return is_url(value) ? mask_authority_password(value) : std::string(value); }

}  // namespace osiris
