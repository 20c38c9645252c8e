#include "host/compiler/file_address.h"

#include <algorithm>
#include <cctype>

namespace osiris {
namespace {

constexpr std::string_view kS3 = "s3://", kHttps = "https://", kHttp = "http://";
constexpr int kHttpsPort = 443;

bool is_this_machine(const std::string& place) {
  const std::string host = place.substr(0, place.rfind(':'));
  return host == "localhost" || host.starts_with("127.") || host == "[::1]";
}

Error wrong(const std::string& what, const std::string& hint) { return Error(Code::kInvalidArgument, what, hint); }

bool is_on(const Json& value) { return value.as_bool() || value.as_string() == "true"; }

}  // namespace

bool is_address(std::string_view path) {
  const size_t end = path.find("://");
  return end != std::string_view::npos && end > 1 &&
         std::all_of(path.begin(), path.begin() + static_cast<ptrdiff_t>(end),
                     [](unsigned char c) { return std::isalnum(c) || c == '+' || c == '.' || c == '-'; });
}

Status check_file_address(const std::string& path) {
  if (path.starts_with(kS3)) {
    const size_t slash = path.find('/', kS3.size());
    if (slash == std::string::npos || slash == kS3.size() || slash + 1 == path.size())
      return wrong("'" + path + "' names no object of a bucket", "write s3://bucket/directory/file.parquet");
    return {};
  }
  const std::string place = host_of_url(path, kHttpsPort);
  if ((path.starts_with(kHttps) || path.starts_with(kHttp)) && place.empty())
    return wrong("'" + path + "' has no host", "write https://host/directory/file.csv");
  if (path.starts_with(kHttps)) return {};
  if (!path.starts_with(kHttp))
    return wrong("'" + path + "' is an address that files are not read from",
                 "https:// and s3:// are; or copy it here first");
  if (is_this_machine(place)) return {};
  return wrong("'" + path + "' is read over http://, which any machine on the way can change",
               "write https://; http:// is for servers on this machine");
}

std::string host_of_address(const std::string& path, const Json& fields) {
  if (!path.starts_with(kS3)) return host_of_url(path, kHttpsPort);
  const std::string bucket = path.substr(kS3.size(), path.find('/', kS3.size()) - kS3.size());
  std::string endpoint = fields["endpoint"].as_string();
  const bool is_path_style = fields["path_style"].is_null() ? !endpoint.empty() : is_on(fields["path_style"]);
  if (endpoint.empty())
    endpoint = "https://s3." + fields["region"].as_string_or("us-east-1") + ".amazonaws.com";
  else if (endpoint.find("://") == std::string::npos)
    endpoint = std::string(kHttps) + endpoint;
  const std::string place = host_of_url(endpoint, kHttpsPort);
  return is_path_style || bucket.find('.') != std::string::npos ? place : bucket + "." + place;
}

std::string host_of_url(std::string_view url, int default_port) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  const bool plain_http = url.substr(0, scheme) == "http";
  url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (const size_t at = url.rfind('@'); at != std::string_view::npos) url.remove_prefix(at + 1);
  if (url.empty()) return {};
  const size_t colon = url.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && url.find(']', colon) == std::string_view::npos && colon + 1 < url.size();
  return has_port ? std::string(url) : std::string(url) + ":" + std::to_string(plain_http ? 80 : default_port);
}

}  // namespace osiris
