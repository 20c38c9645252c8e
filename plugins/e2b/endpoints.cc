#include "plugins/e2b/endpoints.h"

#include <algorithm>

#include "protocol/base/address.h"
#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"

namespace osiris::e2b {
namespace {

constexpr size_t kCredentialBytesMax = 255;  // RFC 1929, and E2B's own limit

Error bad_proxy(std::string why) {
  return Error(Code::kInvalidArgument, "--e2b-egress-proxy: " + std::move(why),
               "Write socks5://USER:PASSWORD@HOST:PORT, or HOST:PORT.", category::kConfigInvalid);
}

std::string scheme_of(std::string_view url) {
  const size_t end = url.find("://");
  return end == std::string_view::npos ? std::string() : ascii_lower(url.substr(0, end));
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    out += low >= 0 ? static_cast<char>(high * 16 + low) : text[i];
    if (low >= 0) i += 2;
  }
  return out;
}

}  // namespace

Result<adapter_sdk::EgressProxy> parse_egress_proxy(std::string_view text) {
  if (const std::string scheme = scheme_of(text); !scheme.empty()) {
    if (scheme != "socks5" && scheme != "socks5h") return bad_proxy("E2B speaks SOCKS5 only");
    text.remove_prefix(text.find("://") + 3);
  }
  adapter_sdk::EgressProxy proxy;
  if (const size_t at = text.rfind('@'); at != std::string_view::npos) {
    const std::string_view credentials = text.substr(0, at);
    const size_t colon = std::min(credentials.find(':'), credentials.size());
    proxy.user = percent_decoded(credentials.substr(0, colon));
    proxy.password = percent_decoded(credentials.substr(std::min(colon + 1, credentials.size())));
    text.remove_prefix(at + 1);
    if (proxy.user.empty()) return bad_proxy("there is a password, but no user");
    if (proxy.user.size() > kCredentialBytesMax || proxy.password.size() > kCredentialBytesMax)
      return bad_proxy("user and password have at most 255 bytes each");
  }
  while (text.ends_with('/')) text.remove_suffix(1);
  const size_t colon = text.rfind(':');
  const int port = port_of(text);
  if (colon == std::string_view::npos || colon == 0 || port <= 0 || port > 65535 ||
      text.find_first_of("/?#\\ ") != std::string_view::npos)
    return bad_proxy("a host and a port from 1 to 65535 are needed");
  proxy.address = std::string(text);
  return proxy;
}

Status check_service_url(std::string_view option, const std::string& url, bool allow_http) {
  if (url.empty()) return {};
  const std::string scheme = scheme_of(url), shown = without_userinfo(url);
  if (scheme == "https") return {};
  if (scheme != "http")
    return Error(Code::kInvalidArgument, std::string(option) + ": " + shown + " is no https:// URL",
                 "Write the whole URL: https://HOST.", category::kConfigInvalid);
  const std::string host = host_of(url);
  if (allow_http || is_loopback(host)) return {};
  return Error(Code::kInvalidArgument,
               std::string(option) + ": " + shown + " would carry the API key and every secret of the run to " + host +
                   " in the clear",
               "Use https://. Where the network between is your own, --e2b-allow-http allows it.",
               category::kConfigInvalid);
}

Status check_authorities(const std::string& ca_file) {
  if (ca_file.empty()) return {};
  const auto text = read_file(ca_file, uint64_t{16} << 20);
  if (!text) return text.error().within("--e2b-ca-file");
  if (text->find("-----BEGIN ") != std::string::npos) return {};
  return Error(Code::kInvalidArgument, "--e2b-ca-file " + ca_file + " holds no certificate",
               "Give a PEM file: -----BEGIN CERTIFICATE----- and so on.", category::kConfigInvalid);
}

std::string without_userinfo(std::string_view url) {
  const size_t scheme = url.find("://");
  const size_t start = scheme == std::string_view::npos ? 0 : scheme + 3;
  const size_t end = std::min(url.find_first_of("/?#\\", start), url.size());
  const size_t at = url.substr(0, end).rfind('@');
  if (at == std::string_view::npos || at < start) return std::string(url);
  return std::string(url.substr(0, start)) + std::string(url.substr(at + 1));
}

}  // namespace osiris::e2b
