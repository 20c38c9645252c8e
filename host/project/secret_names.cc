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

// Where the password of scheme://user:password@host stands: {first, last + 1}; {0, 0} when there is none.
std::pair<size_t, size_t> url_password(std::string_view value) {
  const size_t scheme = value.find("://");
  if (scheme == std::string_view::npos || scheme == 0) return {0, 0};
  const size_t start = scheme + 3;
  // The last '@' before the path: passwords may hold an unescaped one.
  const size_t authority_end = std::min(value.find_first_of("/?#", start), value.size());
  size_t at = value.rfind('@', authority_end == 0 ? 0 : authority_end - 1);
  if (at == std::string_view::npos || at < start) {
    at = value.find('@', start);
    if (at == std::string_view::npos) return {0, 0};
  }
  const size_t colon = value.find(':', start);
  if (colon == std::string_view::npos || colon + 1 >= at) return {0, 0};
  return {colon + 1, at};
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

bool holds_url_password(std::string_view value) { return url_password(value).second > 0; }

std::string mask_url_password(std::string_view value) {
  const auto [first, last] = url_password(value);
  if (last == 0) return std::string(value);
  return std::string(value.substr(0, first)) + "***" + std::string(value.substr(last));
}

}  // namespace osiris
