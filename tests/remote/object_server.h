// Files over HTTP on loopback, held in memory: as a plain web server, or as an S3 service that checks Signature
// Version 4, lists by ListObjectsV2, and serves ranges of one version (If-Match). What goes wrong is the test's.
//
// It checks signatures by code of its own. What it lacks of S3: writing, versions, virtual-hosted buckets, aws-chunked
// bodies, Expect.
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
  std::string head;
  std::string header(const std::string& name) const;
  std::string parameter(const std::string& name) const;
};

struct ObjectFault {
  enum class Kind { kAnswer, kCutBefore, kCutBody };
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
};

class ObjectServer {
 public:
  explicit ObjectServer(ObjectServerOptions options = {});

  std::string url(const std::string& path = "") const { return server_.url(path); }
  int port() const { return server_.port(); }
  // "bucket/key"
  void put(const std::string& path, std::string bytes);
  void on_request(std::function<std::optional<ObjectFault>(const ObjectRequest&, size_t number)> fault);
  std::vector<ObjectRequest> requests() const;
  uint64_t bytes_sent() const;  // of bodies

 private:
  struct Answer {
    int status = 200;
    std::string headers, body;
  };
  std::optional<ObjectFault> note(const ObjectRequest& request);
  Answer answer(const ObjectRequest& request);
  Answer list(const ObjectRequest& request);
  Answer part_of(const ObjectRequest& request, const std::string& bytes);
  std::optional<Answer> refused(const ObjectRequest& request, const std::string& target) const;

  const ObjectServerOptions options_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> objects_;
  std::vector<ObjectRequest> requests_;
  std::function<std::optional<ObjectFault>(const ObjectRequest&, size_t)> fault_;
  uint64_t bytes_sent_ = 0;
  http::ScriptedServer server_;
};

}  // namespace osiris::test
