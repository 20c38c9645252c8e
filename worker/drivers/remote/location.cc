#include "worker/drivers/remote/location.h"

#include <algorithm>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"

namespace osiris::worker::remote {
namespace {

constexpr std::string_view kS3 = "s3://", kHttps = "https://", kHttp = "http://";

Error wrong(const std::string& what, const std::string& hint, const char* category = category::kConfigInvalid) {
  return Error(Code::kInvalidArgument, what, hint, category);
}

// Of a URL without its scheme.
bool is_this_machine(std::string_view rest) {
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  const std::string_view host = authority.starts_with('[') ? authority.substr(0, authority.find(']') + 1)
                                                           : authority.substr(0, authority.find(':'));
  return host == "localhost" || host.starts_with("127.") || host == "[::1]";
}

bool is_bucket_name(std::string_view name) {
  return name.size() >= 3 && name.size() <= 63 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
         });
}

bool is_on(const Json& value) { return value.as_bool() || ascii_lower(value.as_string()) == "true"; }

}  // namespace

bool is_remote(std::string_view path) {
  return path.starts_with(kS3) || path.starts_with(kHttps) || path.starts_with(kHttp);
}

Result<Location> read_location(const std::string& path) {
  Location location;
  if (path.starts_with(kS3)) {
    location.shown = path;
    const std::string_view rest = std::string_view(path).substr(kS3.size());
    const size_t slash = rest.find('/');
    location.bucket = rest.substr(0, slash);
    location.key = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    if (!is_bucket_name(location.bucket) || location.key.empty())
      return wrong("'" + path + "' names no object of a bucket", "write s3://bucket/directory/file.parquet");
    return location;
  }
  location.url = path;
  location.shown = path.substr(0, path.find('?'));
  if (path.starts_with(kHttp) && !is_this_machine(std::string_view(path).substr(kHttp.size())))
    return wrong("'" + location.shown + "' is read over http://, which any machine on the way can change",
                 "write https://; http:// is for servers on this machine");
  return location;
}

Result<S3Access> read_access(const StepContext& step) {
  static const Json kNone = Json::object();
  const Json& fields = step.connection() ? step.connection()->fields : kNone;
  S3Access access;
  access.endpoint = fields["endpoint"].as_string();
  while (access.endpoint.ends_with('/')) access.endpoint.pop_back();
  if (!access.endpoint.empty() && !access.endpoint.starts_with("https://") && !access.endpoint.starts_with("http://"))
    access.endpoint = "https://" + access.endpoint;
  if (access.endpoint.starts_with(kHttp) && !is_this_machine(std::string_view(access.endpoint).substr(kHttp.size())))
    return wrong("the connection's endpoint is http://, which any machine on the way can read", "write https://",
                 category::kConnectionInvalidConfig);
  access.region = fields["region"].as_string_or("us-east-1");
  access.path_style = fields["path_style"].is_null() ? !access.endpoint.empty() : is_on(fields["path_style"]);
  access.key_id = fields["access_key_id"].as_string();
  access.secret = fields["secret_access_key"].as_string();
  access.session_token = fields["session_token"].as_string();
  if (is_on(fields["anonymous"])) {
    access.key_id.clear();
    access.secret.clear();
    access.session_token.clear();
    return access;
  }
  if (access.key_id.empty() || access.secret.empty())
    return wrong(
        "Step " + step.step_id() + ": s3:// needs access_key_id and secret_access_key of a connection",
        "write connection: \"@filesystem.<alias>\" into the step and both into the alias; anonymous: true there "
        "asks without a key",
        category::kConnectionInvalidConfig);
  return access;
}

std::string bucket_url(const S3Access& access, const std::string& bucket) {
  const std::string base = access.endpoint.empty() ? "https://s3." + access.region + ".amazonaws.com" : access.endpoint;
  // A dot in the name is none that a certificate for *.s3... covers.
  if (access.path_style || bucket.find('.') != std::string::npos) return base + "/" + bucket;
  const size_t host = base.find("://") + 3;
  return base.substr(0, host) + bucket + "." + base.substr(host);
}

}  // namespace osiris::worker::remote
