// HTTP/1.1 over TCP with one thread per connection, on Boost.Beast. Synchronous on purpose: a handler may block, and a
// fault can cut the connection at any byte. Boost is included by http_server.cc only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "protocol/base/error.h"
#include "tests/e2b_server/http.h"

namespace osiris::e2b_server {

class HttpServer {
 public:
  using Handler = std::function<void(Exchange&)>;  // called on connection threads, many at once

  // "127.0.0.1:8080" or "[::1]:0". connect_delay models the round trip of a TCP handshake.
  static Result<std::unique_ptr<HttpServer>> listen(const std::string& address, std::chrono::microseconds connect_delay);
  ~HttpServer();

  void start(Handler handler);
  // Cuts every connection and waits for its thread.
  void stop();
  std::string url() const;  // "http://127.0.0.1:41234"
  uint64_t connections_open() const;

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace osiris::e2b_server
