#include "servers/e2b/auth.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include "protocol/base/sha256.h"
#include "protocol/base/text.h"

namespace osiris::e2b_server {
namespace {

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

std::optional<int64_t> expiration_of(const Request& request) {
  const auto text = request.query_value("signature_expiration");
  return text ? std::optional(std::strtoll(text->c_str(), nullptr, 10)) : std::nullopt;
}

}  // namespace

bool equal_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string hmac_hex(std::string_view key, std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  ::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
         text.size(), digest, &size);
  return to_hex({reinterpret_cast<const char*>(digest), size});
}

std::optional<ApiError> check_api_key(const Request& request, std::string_view api_key) {
  const auto given = request.header("x-api-key");
  if (!given)
    return ApiError{401, "Missing API key, please visit https://e2b.dev/docs/api-key for more information.", {}};
  if (!equal_secret(*given, api_key))
    return ApiError{401, "Invalid API key, please visit https://e2b.dev/docs/api-key for more information.", {}};
  return std::nullopt;
}

std::optional<ApiError> check_access_token(const Request& request, std::string_view token) {
  if (token.empty()) return std::nullopt;
  const auto given = request.header("x-access-token");
  if (given && equal_secret(*given, token)) return std::nullopt;
  return ApiError{401, "unauthorized access, please provide a valid access token or method signing if supported", {}};
}

std::string file_signature(std::string_view path, std::string_view operation, std::string_view username,
                           std::string_view token, std::optional<int64_t> expiration_s) {
  std::string text = join({std::string(path), std::string(operation), std::string(username), std::string(token)}, ":");
  if (expiration_s) text += ":" + std::to_string(*expiration_s);
  std::string encoded = base64(from_hex(sha256_hex(text)));
  while (encoded.ends_with('=')) encoded.pop_back();
  return "v1_" + encoded;
}

bool signature_matches(const Request& request, std::string_view token) {
  const auto signature = request.query_value("signature");
  if (!signature) return false;
  const char* operation = request.method == "GET" || request.method == "HEAD" ? "read" : "write";
  return equal_secret(*signature,
                      file_signature(request.query_value("path").value_or(""), operation,
                                     request.query_value("username").value_or(""), token, expiration_of(request)));
}

std::optional<ApiError> check_file_access(const Request& request, std::string_view token, int64_t now_s) {
  if (token.empty()) return std::nullopt;
  if (request.header("x-access-token")) return check_access_token(request, token);
  if (!request.query_value("signature")) return ApiError{401, "missing signature query parameter", {}};
  if (!signature_matches(request, token)) return ApiError{401, "invalid signature", {}};
  const auto expiration = expiration_of(request);
  if (expiration && *expiration < now_s) return ApiError{401, "signature is already expired", {}};
  return std::nullopt;
}

std::string acting_user(const Request& request) {
  const std::string header = request.header("authorization").value_or("");
  constexpr std::string_view kScheme = "Basic ";
  if (!header.starts_with(kScheme)) return {};
  const auto decoded = base64_decode(std::string_view(header).substr(kScheme.size()));
  return decoded ? decoded->substr(0, decoded->find(':')) : std::string();
}

}  // namespace osiris::e2b_server
