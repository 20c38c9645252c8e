// What an S3 service does with objects that come: whole by PUT, or in parts.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/md5.h>

#include "protocol/base/sha256.h"
#include "protocol/base/text.h"
#include "protocol/base/xml.h"
#include "tests/remote/object_server.h"

namespace osiris::test {
namespace {

constexpr size_t kPartBytesMin = size_t{5} << 20;

std::string md5(const std::string& bytes) {
  unsigned char out[MD5_DIGEST_LENGTH];
  MD5(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out);
  return {reinterpret_cast<const char*>(out), sizeof out};
}

std::string part_tag(const std::string& bytes) { return "\"" + to_hex(md5(bytes)) + "\""; }

std::string xml(const std::string& root, const std::string& content) {
  return "<?xml version=\"1.0\"?>\n<" + root + " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" + content + "</" +
         root + ">";
}

}  // namespace

const std::string& ObjectServer::etag_of(const std::string& path, const std::string& bytes) {
  std::string& tag = etags_[path];
  if (tag.empty()) tag = part_tag(bytes);
  return tag;
}

std::string ObjectServer::shown_tag(const std::string& etag) const {
  return options_.encrypts_with_keys_of_its_own ? "\"" + sha256_hex(etag).substr(0, 32) + "\"" : etag;
}

std::string ObjectServer::etag_headers(const std::string& etag) const {
  if (!options_.has_etags) return {};
  return "ETag: " + shown_tag(etag) + "\r\n" +
         (options_.encrypts_with_keys_of_its_own ? "x-amz-server-side-encryption: aws:kms\r\n" : "");
}

// What came is not what its headers say was sent.
std::optional<ObjectServer::Answer> ObjectServer::damaged(const ObjectRequest& request) const {
  if (!options_.checks_digests) return std::nullopt;
  if (const std::string sent = request.header("Content-MD5"); !sent.empty() && sent != base64(md5(request.body)))
    return Answer{400, "", xml_error("BadDigest", "The Content-MD5 you specified did not match what we received.")};
  if (const std::string sent = request.header("x-amz-content-sha256");
      !sent.empty() && sent != sha256_hex(request.body))
    return Answer{400, "", xml_error("XAmzContentSHA256Mismatch", "The provided header does not match.")};
  return std::nullopt;
}

ObjectServer::Answer ObjectServer::write(const ObjectRequest& request) {
  if (auto refusal = damaged(request)) return *refusal;
  if (request.has_parameter("uploads")) {
    const std::string id = "upload-" + std::to_string(++uploads_begun_);
    uploads_[id] = {request.path, {}};
    return {200, "", xml("InitiateMultipartUploadResult", "<UploadId>" + id + "</UploadId>")};
  }
  if (request.has_parameter("uploadId")) return write_part(request);
  if (request.method == "DELETE") {
    objects_.erase(request.path);
    etags_.erase(request.path);
    return {204, "", ""};
  }
  objects_[request.path] = request.body;
  etags_.erase(request.path);
  return {200, etag_headers(part_tag(request.body)), ""};
}

ObjectServer::Answer ObjectServer::write_part(const ObjectRequest& request) {
  const auto upload = uploads_.find(request.parameter("uploadId"));
  if (upload == uploads_.end() || upload->second.path != request.path)
    return {404, "", xml_error("NoSuchUpload", "The specified upload does not exist.")};
  if (request.method == "PUT") {
    upload->second.parts[std::stoi(request.parameter("partNumber"))] = request.body;
    return {200, etag_headers(part_tag(request.body)), ""};
  }
  if (request.method == "GET") return {200, "", xml("ListPartsResult", "")};
  if (request.method == "DELETE") {
    uploads_.erase(upload);
    return {204, "", ""};
  }
  Answer answer = complete(request, upload->second);
  if (answer.status == 200) uploads_.erase(upload);
  return answer;
}

ObjectServer::Answer ObjectServer::complete(const ObjectRequest& request, const Upload& upload) {
  std::string all, tags;
  int last = 0;
  size_t at = 0, count = 0, bytes_before = kPartBytesMin;
  while ((at = request.body.find("<PartNumber>", at)) != std::string::npos) {
    at += 12;
    const int number = std::stoi(request.body.substr(at));
    const size_t begin = request.body.find("<ETag>", at) + 6;
    const std::string tag = request.body.substr(begin, request.body.find("</ETag>", begin) - begin);
    const auto part = upload.parts.find(number);
    if (number <= last) return {400, "", xml_error("InvalidPartOrder", "Parts must be ordered by part number.")};
    if (part == upload.parts.end() ||
        (!options_.encrypts_with_keys_of_its_own && tag != xml_text(part_tag(part->second))))
      return {400, "", xml_error("InvalidPart", "One or more of the specified parts could not be found.")};
    if (bytes_before < kPartBytesMin) return {400, "", xml_error("EntityTooSmall", "A part is too small.")};
    bytes_before = part->second.size();
    all += part->second;
    tags += md5(part->second);
    last = number;
    ++count;
  }
  if (count == 0) return {400, "", xml_error("MalformedXML", "There is no part.")};
  const std::string tag = "\"" + to_hex(md5(tags)) + "-" + std::to_string(count) + "\"";
  objects_[request.path] = std::move(all);
  etags_[request.path] = tag;
  return {200, "", xml("CompleteMultipartUploadResult", "<ETag>" + xml_text(shown_tag(tag)) + "</ETag>")};
}

}  // namespace osiris::test
