#include "protocol/base/secret_names.h"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/base/text.h"

namespace osiris {
namespace {

using Names = std::string_view;

// Anywhere in a name.
constexpr std::array<Names, 22> kSecretParts = {
    "password",    "passwd",      "passphrase",        "secret",         "credential", "token",
    "apikey",      "oauth",       "api_key",           "private_key",    "access_key", "secret_key",
    "session_key", "service_key", "role_key",          "encryption_key", "client_key", "anon_key",
    "signing_key", "dsn",         "connection_string", "bearer"};
// The end of a word: "auth" in "basicauth" and "auth_username", not in "author".
constexpr std::array<Names, 3> kSecretWordEndings = {"auth", "authorization", "pwd"};
// Not secret although a part of theirs says so.
constexpr std::array<Names, 10> kPlainNames = {"primary_key", "foreign_key", "ssl_key",          "url",
                                               "auth_type",   "auth_method", "auth_header_name", "token_type",
                                               "token_count", "tokenizer"};
// Figures about secrets and names of secrets: "tokens_used", "secret_count", "auth_ms", "secret_names",
// "ssh_auth_sock".
constexpr std::array<Names, 11> kPlainEndings = {"_ms",   "_bytes", "_count", "_tokens", "_s",   "_ns",
                                                 "_used", "_total", "_name",  "_names",  "_sock"};

constexpr std::array<Names, 29> kSureNames = {"password",      "passwd",        "pwd",
                                              "passphrase",    "token",         "secret",
                                              "secret_key",    "service_key",   "service_role_key",
                                              "api_key",       "apikey",        "access_token",
                                              "refresh_token", "auth_token",    "bearer_token",
                                              "client_secret", "client_key",    "key",
                                              "dsn",           "pg_dsn",        "connection_string",
                                              "anon_key",      "auth_username", "private_key",
                                              "access_key",    "session_key",   "encryption_key",
                                              "signing_key",   "credentials"};

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter_or_digit(char c) { return is_lower(c) || is_upper(c) || (c >= '0' && c <= '9'); }

// "clientSecret", "X-Client-Secret" and "client_secret" all end in "client_secret".
std::string snake_case(std::string_view name) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    if (!is_letter_or_digit(name[i])) {
      out += '_';
      continue;
    }
    if (i && is_upper(name[i]) && is_lower(name[i - 1])) out += '_';
    out += name[i];
  }
  return ascii_lower(out);
}

bool is_one_of(std::string_view name, const auto& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool ends_with_any(std::string_view text, const auto& endings) {
  return std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) { return text.ends_with(ending); });
}

bool has_secret_word(const std::string& name) {
  const std::vector<std::string> words = split(name, '_');
  return std::any_of(words.begin(), words.end(),
                     [](const std::string& word) { return ends_with_any(word, kSecretWordEndings); });
}

bool is_url(std::string_view text) {
  const size_t scheme = text.find("://");
  return scheme != std::string_view::npos && scheme > 0;
}

// Where the password of [scheme://]user:password@host stands: {first, last + 1}; {0, 0} when there is none.
std::pair<size_t, size_t> password_place(std::string_view text) {
  const size_t start = is_url(text) ? text.find("://") + 3 : 0;
  // The last '@' before the path: passwords may hold an unescaped one.
  const size_t authority_end = std::min(text.find_first_of("/?#", start), text.size());
  size_t at = text.rfind('@', authority_end == 0 ? 0 : authority_end - 1);
  if (at == std::string_view::npos || at < start) {
    at = is_url(text) ? text.find('@', start) : std::string_view::npos;
    if (at == std::string_view::npos) return {0, 0};
  }
  const size_t colon = text.find(':', start);
  if (colon == std::string_view::npos || colon + 1 >= at) return {0, 0};
  return {colon + 1, at};
}

}  // namespace

bool names_a_secret(std::string_view name) {
  if (is_surely_secret(name)) return true;
  const std::string snake = snake_case(name);
  if (is_one_of(snake, kPlainNames) || ends_with_any(snake, kPlainEndings)) return false;
  return has_secret_word(snake) || std::any_of(kSecretParts.begin(), kSecretParts.end(), [&](std::string_view part) {
           return snake.find(part) != std::string::npos;
         });
}

bool is_surely_secret(std::string_view name) { return is_one_of(ascii_lower(name), kSureNames); }

std::string_view authority_password(std::string_view text) {
  const auto [first, last] = password_place(text);
  return text.substr(first, last - first);
}

bool holds_url_password(std::string_view text) { return is_url(text) && !authority_password(text).empty(); }

std::string_view url_userinfo(std::string_view text) {
  if (!is_url(text)) return {};
  std::string_view authority = text.substr(text.find("://") + 3);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  const size_t at = authority.rfind('@');
  return at == std::string_view::npos ? std::string_view() : authority.substr(0, at);
}

std::string mask_authority_password(std::string_view text) {
  const auto [first, last] = password_place(text);
  if (last == 0) return std::string(text);
  return std::string(text.substr(0, first)).append(kMasked).append(text.substr(last));
}

std::string mask_url_passwords(std::string_view text) {
  std::string out;
  size_t copied = 0;
  for (size_t at = text.find("://"); at != std::string_view::npos; at = text.find("://", at + 3)) {
    const size_t begin = at + 3;
    if (begin < copied) continue;
    // In a sentence a blank or a quote ends the address.
    const size_t end = std::min(text.find_first_of(" \t\r\n\"'<>/?#", begin), text.size());
    const std::string_view authority = text.substr(begin, end - begin);
    const size_t host = authority.rfind('@');
    const size_t colon = authority.find(':');
    if (host == std::string_view::npos || colon == std::string_view::npos || colon > host) continue;
    out.append(text.substr(copied, begin + colon + 1 - copied)).append(kMasked);
    copied = begin + host;
  }
  return out.append(text.substr(copied));
}

}  // namespace osiris
