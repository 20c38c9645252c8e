#include "tests/remote/object_server.h"

#include <openssl/hmac.h>

#include <algorithm>

#include "protocol/base/sha256.h"
#include "protocol/base/text.h"
#include "protocol/base/xml.h"

namespace osiris::test {
namespace {

std::string decoded(std::string_view text) {
  std::string plain;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%' && at + 2 < text.size()) {
      plain += static_cast<char>(std::stoi(std::string(text.substr(at + 1, 2)), nullptr, 16));
      at += 2;
    } else {
      plain += text[at];
    }
  }
  return plain;
}

std::string mac(const std::string& key, const std::string& text) {
  unsigned char out[32];
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), out, &size);
  return {reinterpret_cast<const char*>(out), size};
}

std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const size_t at = text.find(begin);
  if (at == std::string::npos) return {};
  return text.substr(at + begin.size(), text.find(end, at + begin.size()) - at - begin.size());
}

}  // namespace

std::string xml_error(const std::string& code, const std::string& message) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + code + "</Code><Message>" + message +
         "</Message></Error>";
}

std::string ObjectRequest::header(const std::string& name) const {
  const std::string wanted = "\r\n" + ascii_lower(name) + ":";
  const size_t at = ascii_lower(head).find(wanted);
  if (at == std::string::npos) return {};
  const size_t begin = at + wanted.size();
  return std::string(trim(std::string_view(head).substr(begin, head.find("\r\n", begin) - begin)));
}

bool ObjectRequest::has_parameter(const std::string& name) const {
  return std::any_of(query.begin(), query.end(), [&](const auto& pair) { return pair.first == name; });
}

std::string ObjectRequest::parameter(const std::string& name) const {
  for (const auto& [own, value] : query)
    if (own == name) return value;
  return {};
}

ObjectServer::ObjectServer(ObjectServerOptions options)
    : options_(std::move(options)), server_([this](http::Connection& connection) {
        for (;;) {
          const auto received = connection.receive();
          if (received.head.empty()) return;
          const std::vector<std::string> line = split(received.head.substr(0, received.head.find("\r\n")), ' ');
          const std::string target = line.at(1);
          ObjectRequest request{
              line.at(0), decoded(target.substr(0, target.find('?'))), {}, received.head, received.body};
          if (const size_t question = target.find('?'); question != std::string::npos)
            for (const std::string& pair : split(target.substr(question + 1), '&'))
              request.query.emplace_back(
                  decoded(pair.substr(0, pair.find('='))),
                  pair.find('=') == std::string::npos ? "" : decoded(pair.substr(pair.find('=') + 1)));
          Answer made;
          const std::optional<ObjectFault> fault = note(request);
          if (fault && fault->kind == ObjectFault::Kind::kCutBefore) return connection.reset();
          if (fault && fault->kind == ObjectFault::Kind::kDamage && !request.body.empty())
            request.body[request.body.size() / 2] ^= 1;
          {
            const std::lock_guard lock(mutex_);
            if (fault && fault->kind == ObjectFault::Kind::kAnswer)
              made = {fault->status, fault->headers, fault->body};
            else if (auto refusal = refused(request, target))
              made = *refusal;
            else
              made = answer(request);
          }
          if (fault && fault->kind == ObjectFault::Kind::kDamageAnswer && !made.body.empty())
            made.body[made.body.size() / 2] ^= 1;
          if (fault && fault->kind == ObjectFault::Kind::kCutAfter) return connection.reset();
          connection.send("HTTP/1.1 " + std::to_string(made.status) +
                          " X\r\nContent-Length: " + std::to_string(made.body.size()) + "\r\n" + made.headers + "\r\n");
          if (request.method == "HEAD") continue;
          const bool is_cut = fault && fault->kind == ObjectFault::Kind::kCutBody;
          const std::string_view body = std::string_view(made.body).substr(0, made.body.size() / (is_cut ? 2 : 1));
          {
            const std::lock_guard lock(mutex_);
            bytes_sent_ += body.size();
          }
          connection.send(body);
          if (is_cut) return;
        }
      }) {}

// The test may put objects meanwhile.
std::optional<ObjectFault> ObjectServer::note(const ObjectRequest& request) {
  std::function<std::optional<ObjectFault>(const ObjectRequest&, size_t)> fault;
  size_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    number = requests_.size();
    fault = fault_;
  }
  return fault ? fault(request, number) : std::nullopt;
}

void ObjectServer::put(const std::string& path, std::string bytes) {
  const std::lock_guard lock(mutex_);
  objects_["/" + path] = std::move(bytes);
  etags_.erase("/" + path);
}

std::optional<std::string> ObjectServer::object(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find("/" + path);
  return found == objects_.end() ? std::nullopt : std::optional(found->second);
}

size_t ObjectServer::unfinished_uploads() const {
  const std::lock_guard lock(mutex_);
  return uploads_.size();
}

void ObjectServer::on_request(std::function<std::optional<ObjectFault>(const ObjectRequest&, size_t)> fault) {
  const std::lock_guard lock(mutex_);
  requests_.clear();
  bytes_sent_ = 0;
  fault_ = std::move(fault);
}

std::vector<ObjectRequest> ObjectServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

uint64_t ObjectServer::bytes_sent() const {
  const std::lock_guard lock(mutex_);
  return bytes_sent_;
}

// Signature Version 4, from the raw target as it came.
std::optional<ObjectServer::Answer> ObjectServer::refused(const ObjectRequest& request,
                                                          const std::string& target) const {
  if (options_.key_id.empty()) return std::nullopt;
  const auto no = [](const std::string& code) {
    return Answer{403, "Content-Type: application/xml\r\n", xml_error(code, "refused by the test's server")};
  };
  const std::string authorization = request.header("Authorization");
  if (authorization.empty()) return no("AccessDenied");
  const std::vector<std::string> scope = split(between(authorization, "Credential=", ","), '/');
  if (scope.size() != 5 || scope[0] != options_.key_id) return no("InvalidAccessKeyId");
  if (scope[2] != options_.region) return no("AuthorizationHeaderMalformed");
  if (request.header("x-amz-security-token") != options_.session_token) return no("InvalidToken");
  std::string canonical = request.method + "\n" + target.substr(0, target.find('?')) + "\n";
  std::vector<std::string> pairs;
  if (target.find('?') != std::string::npos) pairs = split(target.substr(target.find('?') + 1), '&');
  std::sort(pairs.begin(), pairs.end());
  canonical += join(pairs, "&") + "\n";
  const std::string names = between(authorization, "SignedHeaders=", ",");
  for (const std::string& name : split(names, ';')) canonical += name + ":" + request.header(name) + "\n";
  canonical += "\n" + names + "\n" + request.header("x-amz-content-sha256");
  const std::string text = "AWS4-HMAC-SHA256\n" + request.header("x-amz-date") + "\n" + scope[1] + "/" + scope[2] +
                           "/" + scope[3] + "/" + scope[4] + "\n" + sha256_hex(canonical);
  const std::string key = mac(mac(mac(mac("AWS4" + options_.secret, scope[1]), scope[2]), scope[3]), scope[4]);
  if (to_hex(mac(key, text)) != authorization.substr(authorization.find("Signature=") + 10))
    return no("SignatureDoesNotMatch");
  return std::nullopt;
}

ObjectServer::Answer ObjectServer::answer(const ObjectRequest& request) {
  if (!request.parameter("list-type").empty()) return list(request);
  if (request.method == "HEAD" && !options_.serves_head) return {405, "", ""};
  if (request.has_parameter("uploadId") || request.method == "PUT" || request.method == "POST" ||
      request.method == "DELETE")
    return write(request);
  const auto object = objects_.find(request.path);
  if (object == objects_.end()) return {404, "", xml_error("NoSuchKey", "The specified key does not exist.")};
  return part_of(request, object->second);
}

ObjectServer::Answer ObjectServer::part_of(const ObjectRequest& request, const std::string& bytes) {
  const std::string& etag = etag_of(request.path, bytes);
  const std::string wanted = request.header("If-Match");
  if (!wanted.empty() && wanted != shown_tag(etag))
    return {412, "", xml_error("PreconditionFailed", "It has changed.")};
  const std::string range = request.header("Range");
  if (!options_.serves_ranges || !range.starts_with("bytes=")) return {200, etag_headers(etag), bytes};
  const size_t dash = range.find('-');
  const uint64_t first = std::stoull(range.substr(6));
  if (first >= bytes.size())
    return {416, "Content-Range: bytes */" + std::to_string(bytes.size()) + "\r\n",
            xml_error("InvalidRange", "beyond")};
  const uint64_t last = dash + 1 < range.size()
                            ? std::min<uint64_t>(std::stoull(range.substr(dash + 1)), bytes.size() - 1)
                            : bytes.size() - 1;
  return {206,
          etag_headers(etag) + "Content-Range: bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" +
              std::to_string(bytes.size()) + "\r\n",
          bytes.substr(first, last - first + 1)};
}

ObjectServer::Answer ObjectServer::list(const ObjectRequest& request) {
  std::string bucket = request.path;
  while (bucket.ends_with('/')) bucket.pop_back();
  const std::string prefix = bucket + "/" + request.parameter("prefix"),
                    after = request.parameter("continuation-token");
  std::string entries, last;
  size_t count = 0;
  bool is_truncated = false;
  for (const auto& [path, bytes] : objects_) {
    if (!path.starts_with(prefix) || (!after.empty() && path <= after)) continue;
    if (count == options_.keys_of_a_page) {
      is_truncated = true;
      break;
    }
    std::vector<std::string> parts;
    for (const std::string& part : split(path.substr(bucket.size() + 1), '/')) parts.push_back(percent_encode(part));
    entries += "<Contents><Key>" + join(parts, "/") + "</Key><ETag>" + xml_text(shown_tag(etag_of(path, bytes))) +
               "</ETag><Size>" + std::to_string(bytes.size()) + "</Size></Contents>";
    last = path;
    ++count;
  }
  return {200, "Content-Type: application/xml\r\n",
          "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><EncodingType>url"
          "</EncodingType><IsTruncated>" +
              std::string(is_truncated ? "true" : "false") + "</IsTruncated>" +
              (is_truncated ? "<NextContinuationToken>" + xml_text(last) + "</NextContinuationToken>" : "") + entries +
              "</ListBucketResult>"};
}

}  // namespace osiris::test
