// A web API on loopback whose answers the test writes.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "protocol/base/json.h"
#include "tests/unit/http/scripted_server.h"

namespace osiris::test {

struct ApiRequest {
  std::string head;  // request line and headers
  Json body;
  std::string header(const std::string& name) const;  // empty when absent
};

struct ApiAnswer {
  std::string body;
  int status = 200;
  std::string headers = {};  // further lines, each with its "\r\n"
};

class Api {
 public:
  // `answer` is called for each request, one at a time, with its number from 1.
  explicit Api(std::function<ApiAnswer(const ApiRequest&, size_t number)> answer);
  // The same answer to every request.
  explicit Api(const std::string& body);

  std::string url(const std::string& path = "/graphql") const { return server_.url(path); }
  int port() const { return server_.port(); }
  std::vector<ApiRequest> requests() const;

 private:
  std::function<ApiAnswer(const ApiRequest&, size_t)> answer_;
  mutable std::mutex mutex_;
  std::vector<ApiRequest> requests_;
  http::ScriptedServer server_;
};

// The API of the example 05-graphql-to-csv: three plants, two of them a page; 401 for another token.
std::function<ApiAnswer(const ApiRequest&, size_t)> garden(const std::string& token);

}  // namespace osiris::test
