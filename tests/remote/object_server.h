// Files over HTTP on loopback, held in memory: as a plain web server, or as an S3 service that checks Signature
// Version 4, lists by ListObjectsV2, serves ranges of one version (If-Match), and takes objects whole or in parts. What
// goes wrong is the test's.
//
// It checks signatures by code of its own. What it lacks of S3: versions, virtual-hosted buckets, aws-chunked bodies,
// Expect; an upload in parts that is completed is forgotten at once.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/http/scripted_server.h"

namespace osiris::test {

struct ObjectRequest {
  std::string method, path;  // decoded, "/bucket/key"
  std::vector<std::pair<std::string, std::string>> query;
  std::string head, body;
  std::string header(const std::string& name) const;
  bool has_parameter(const std::string& name) const;
  std::string parameter(const std::string& name) const;
};

struct ObjectFault {
  // The last three: the request has its effect and no answer; a byte of its body is changed on the way; one of the
  // answer's is.
  enum class Kind { kAnswer, kCutBefore, kCutBody, kCutAfter, kDamage, kDamageAnswer };
  Kind kind = Kind::kAnswer;
  int status = 500;
  std::string body = {}, headers = {};
};

struct ObjectServerOptions {
  // Of requests, which are not signed where the first is empty.
  std::string key_id, secret, session_token;
  std::string region = "us-east-1";
  bool serves_ranges = true, serves_head = true, has_etags = true;
  size_t keys_of_a_page = 1000;
  bool checks_digests = true;                  // of bodies
  bool encrypts_with_keys_of_its_own = false;  // ETags are not of the bytes then
};

class ObjectServer {
 public:
  explicit ObjectServer(ObjectServerOptions options = {});

  std::string url(const std::string& path = "") const { return server_.url(path); }
  int port() const { return server_.port(); }
  // "bucket/key"
  void put(const std::string& path, std::string bytes);
  void on_request(std::function<std::optional<ObjectFault>(const ObjectRequest&, size_t number)> fault);
  std::optional<std::string> object(const std::string& path) const;  // "bucket/key"
  size_t unfinished_uploads() const;
  std::vector<ObjectRequest> requests() const;
  uint64_t bytes_sent() const;  // of bodies

 private:
  struct Answer {
    int status = 200;
    std::string headers, body;
  };
  struct Upload {
    std::string path;
    std::map<int, std::string> parts;
  };
  std::optional<ObjectFault> note(const ObjectRequest& request);
  Answer answer(const ObjectRequest& request);
  Answer list(const ObjectRequest& request);
  Answer part_of(const ObjectRequest& request, const std::string& bytes);
  // object_uploads.cc
  Answer write(const ObjectRequest& request);
  Answer write_part(const ObjectRequest& request);
  Answer complete(const ObjectRequest& request, const Upload& upload);
  std::optional<Answer> damaged(const ObjectRequest& request) const;
  std::string shown_tag(const std::string& etag) const;
  std::string etag_headers(const std::string& etag) const;
  const std::string& etag_of(const std::string& path, const std::string& bytes);
  std::optional<Answer> refused(const ObjectRequest& request, const std::string& target) const;

  const ObjectServerOptions options_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> objects_, etags_;  // a tag that was not asked for yet is not made
  std::map<std::string, Upload> uploads_;
  size_t uploads_begun_ = 0;
  std::vector<ObjectRequest> requests_;
  std::function<std::optional<ObjectFault>(const ObjectRequest&, size_t)> fault_;
  uint64_t bytes_sent_ = 0;
  http::ScriptedServer server_;
};

std::string xml_error(const std::string& code, const std::string& message);

}  // namespace osiris::test
