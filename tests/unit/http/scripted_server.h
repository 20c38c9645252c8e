// A real TCP server on loopback whose replies are written out by the test, byte for byte.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace osiris::http {

class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  // The head of the next request with its body (by Content-Length or chunked, decoded); empty at end of file.
  struct Received {
    std::string head;
    std::string body;
  };
  Received receive();
  void send(std::string_view bytes);
  void reset();  // RST instead of FIN
  // Blocks until the peer closes or the server stops.
  void wait_for_peer();

 private:
  bool fill();
  int fd_;
  std::string buffer_;
};

class ScriptedServer {
 public:
  // `serve` runs on a thread per connection; returning closes it.
  explicit ScriptedServer(std::function<void(Connection&)> serve);
  ~ScriptedServer();
  std::string url(const std::string& path = "/") const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
  int port() const { return port_; }
  int connections() const { return connections_; }

 private:
  std::function<void(Connection&)> serve_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  std::thread accepting_;
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> serving_;
};

// A loopback port that nothing listens on.
int unused_port();

}  // namespace osiris::http
