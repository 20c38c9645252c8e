// A small blocking HTTP client for tests: raw enough to see what the server really sent, torn bodies included.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "servers/e2b/connect_codec.h"
#include "servers/e2b/http.h"

namespace osiris::e2b_server {

struct HttpAnswer {
  int status = 0;    // 0: no answer came
  Pairs headers;     // names in lower case
  std::string body;  // as far as it came
  bool is_complete = false;
  bool was_reset = false;

  std::string header(std::string_view lower_name) const;
  Json json() const;  // null when it is not JSON
};

// One connection. Not thread safe.
class HttpClient {
 public:
  // "http://127.0.0.1:4000"
  explicit HttpClient(const std::string& url);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  HttpAnswer request(const std::string& method, const std::string& target, const Pairs& headers = {},
                     std::string_view body = {});
  // For streams: send, then take the body as it comes.
  bool send(const std::string& method, const std::string& target, const Pairs& headers, std::string_view body);
  // Any bytes, HTTP or not.
  bool send_raw(std::string_view bytes);
  // The answer's head; body stays unread.
  HttpAnswer read_head();
  // The next piece of the body; empty at its end (see answer for how it ended).
  std::string read_some(HttpAnswer& answer);
  void close();

 private:
  bool connect();
  bool fill();
  std::optional<std::string> line();
  std::string take(size_t count, HttpAnswer& answer);

  std::string host_;
  int port_ = 0;
  int fd_ = -1;
  std::string buffer_;
  bool reset_ = false;
  bool chunked_ = false;
  std::optional<uint64_t> left_;  // of the body or the chunk
};

// A sandbox as a client of the wire protocol sees it.
struct SandboxHandle {
  std::string url, id, token;
  Pairs headers(const Pairs& more = {}) const;
};

// One Start or Connect and its events.
class EventStream {
 public:
  EventStream(const SandboxHandle& sandbox, const std::string& method, const Json& message, const Pairs& more = {});
  // The next message; nullopt at the end of the stream, whatever way it ended.
  std::optional<Json> next();
  // Until the end: stdout, stderr, pty and the end event.
  struct Outcome {
    int64_t pid = 0;
    std::string out, err, pty;
    std::optional<Json> end;
    Json end_of_stream;  // null: it never came
    int status = 0;
    bool was_reset = false;
    int64_t exit_code() const { return end ? (*end)["exitCode"].as_int(0) : -1000; }
  };
  Outcome finish();
  int64_t pid();  // waits for the start event
  void disconnect() { client_.close(); }
  const HttpAnswer& head() const { return head_; }
  const Json& end_of_stream() const { return end_of_stream_; }

 private:
  HttpClient client_;
  HttpAnswer head_;
  EnvelopeReader reader_;
  Json end_of_stream_;
  bool over_ = false;
  Outcome outcome_;
};

}  // namespace osiris::e2b_server
