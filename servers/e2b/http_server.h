// HTTP/1.1 over TCP with one thread per connection, on Boost.Beast. Deliberately synchronous: a handler may block, and
// a fault can cut the connection at any byte. Boost is included by http_server.cc only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "protocol/base/error.h"
#include "servers/e2b/http.h"

namespace osiris::e2b_server {

class HttpServer {
 public:
  using Handler = std::function<void(Exchange&)>;  // called on connection threads, many at once

  struct Times {
    std::chrono::milliseconds connect_delay{};  // models the round trip of a TCP handshake
    std::chrono::milliseconds header_max{
        5000};  // from a request's first byte to the end of its head, or the connection is closed
    std::chrono::seconds idle_max{620};  // between requests
  };
  // "127.0.0.1:8080" or "[::1]:0".
  static Result<std::unique_ptr<HttpServer>> listen(const std::string& address, const Times& times);
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
