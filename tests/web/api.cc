#include "tests/web/api.h"

#include <algorithm>

#include "protocol/base/text.h"

namespace osiris::test {

std::string ApiRequest::header(const std::string& name) const {
  const std::string lower = ascii_lower(head), wanted = "\r\n" + ascii_lower(name) + ":";
  const size_t at = lower.find(wanted);
  if (at == std::string::npos) return {};
  const size_t begin = at + wanted.size();
  return std::string(trim(std::string_view(head).substr(begin, head.find("\r\n", begin) - begin)));
}

Api::Api(std::function<ApiAnswer(const ApiRequest&, size_t)> answer)
    : answer_(std::move(answer)), server_([this](http::Connection& connection) {
        for (;;) {
          const auto received = connection.receive();
          if (received.head.empty()) return;
          auto body = parse_json(received.body);
          ApiAnswer made;
          {
            const std::lock_guard lock(mutex_);
            requests_.push_back({received.head, body.ok() ? *body : Json(received.body)});
            made = answer_(requests_.back(), requests_.size());
          }
          connection.send("HTTP/1.1 " + std::to_string(made.status) + " X\r\nContent-Length: " +
                          std::to_string(made.body.size()) + "\r\n" + made.headers + "\r\n" + made.body);
        }
      }) {}

Api::Api(const std::string& body) : Api([body](const ApiRequest&, size_t) { return ApiAnswer{body}; }) {}

std::vector<ApiRequest> Api::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::function<ApiAnswer(const ApiRequest&, size_t)> garden(const std::string& token) {
  return [token](const ApiRequest& request, size_t) {
    if (request.header("Authorization") != "Bearer " + token) return ApiAnswer{"who are you?", 401};
    static const char* const kPlants[] = {R"({"id":1,"latinName":"Salvia officinalis","bed":{"row":1,"column":4}})",
                                          R"({"id":2,"latinName":"Ruta graveolens","bed":null})",
                                          R"({"id":3,"latinName":"Mentha × piperita","bed":{"row":2,"column":9}})"};
    const Json& variables = request.body["variables"];
    const std::string after = variables["after"].as_string();
    const size_t begin = after.empty() ? 0 : std::stoul(after);
    const size_t end = std::min<size_t>(std::size(kPlants), begin + variables["first"].as_uint());
    std::string list;
    for (size_t i = begin; i < end; ++i) list += (i > begin ? "," : "") + std::string(kPlants[i]);
    const bool more = end < std::size(kPlants);
    return ApiAnswer{R"({"data":{"plants":{"nodes":[)" + list + R"(],"pageInfo":{"hasNextPage":)" +
                     (more ? "true" : "false") + R"(,"endCursor":")" + std::to_string(end) + "\"}}}}"};
  };
}

}  // namespace osiris::test
