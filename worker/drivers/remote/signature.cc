#include "worker/drivers/remote/signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <ctime>
#include <map>

#include "protocol/base/sha256.h"
#include "protocol/base/text.h"

namespace osiris::worker::remote {
namespace {

std::string hmac(const std::string& key, const std::string& text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), digest, &size);
  return {reinterpret_cast<const char*>(digest), size};
}

struct UrlParts {
  std::string host, path, query;
};

UrlParts parts_of(const std::string& url) {
  const size_t host = url.find("://") + 3;
  const size_t path = std::min(url.find('/', host), url.size());
  const size_t question = std::min(url.find('?', path), url.size());
  UrlParts parts{url.substr(host, path - host), url.substr(path, question - path), ""};
  if (question < url.size()) parts.query = url.substr(question + 1);
  // What clients leave out of Host.
  for (const std::string_view port : {":443", ":80"}) {
    const bool is_default = url.starts_with(port == ":443" ? "https://" : "http://");
    if (is_default && parts.host.ends_with(port)) parts.host.erase(parts.host.size() - port.size());
  }
  return parts;
}

}  // namespace

std::string amazon_time(int64_t unix_s) {
  const std::time_t time = unix_s;
  std::tm utc{};
  gmtime_r(&time, &utc);
  char text[32];
  const size_t size = std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
  return {text, size};
}

std::string encoded_path(const std::string& path) {
  std::string encoded;
  for (const std::string& part : split(path, '/')) encoded += "/" + percent_encode(part);
  return encoded.substr(1);
}

std::string encoded_query(const Query& query) {
  std::vector<std::string> pairs;
  for (const auto& [name, value] : query) pairs.push_back(percent_encode(name) + "=" + percent_encode(value));
  std::sort(pairs.begin(), pairs.end());
  return pairs.empty() ? "" : "?" + join(pairs, "&");
}

void sign(http::Request& request, const S3Access& access, const std::string& time) {
  if (access.key_id.empty()) return;
  const UrlParts url = parts_of(request.url);
  const std::string body_hash = sha256_hex(request.body);
  request.headers.add("x-amz-content-sha256", body_hash);
  request.headers.add("x-amz-date", time);
  if (!access.session_token.empty()) request.headers.add("x-amz-security-token", access.session_token);
  // What stands in the request of these is part of what is signed.
  std::map<std::string, std::string> headers = {{"host", url.host}};
  for (const auto& [name, value] : request.headers.entries())
    if (const std::string lower = ascii_lower(name); lower == "content-md5" || lower.starts_with("x-amz-"))
      headers[lower] = value;
  std::string lines, names;
  for (const auto& [name, value] : headers) {
    lines += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  const std::string day = time.substr(0, 8);
  const std::string scope = day + "/" + access.region + "/s3/aws4_request";
  const std::string asked = request.method + "\n" + (url.path.empty() ? "/" : url.path) + "\n" + url.query + "\n" +
                            lines + "\n" + names + "\n" + body_hash;
  const std::string text = "AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n" + sha256_hex(asked);
  const std::string key = hmac(hmac(hmac(hmac("AWS4" + access.secret, day), access.region), "s3"), "aws4_request");
  request.headers.add("Authorization", "AWS4-HMAC-SHA256 Credential=" + access.key_id + "/" + scope +
                                           ",SignedHeaders=" + names + ",Signature=" + to_hex(hmac(key, text)));
}

}  // namespace osiris::worker::remote
