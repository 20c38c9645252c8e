// A TCP proxy before a database server: what passes is shown to a function of the test's, which may change it or cut
// the line.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "protocol/base/fd.h"

namespace osiris::test {

class Proxy {
 public:
  enum class Fate { kPass, kCut };
  // On the proxy's thread.
  using Look = std::function<Fate(bool from_client, std::string& bytes)>;

  Proxy(uint16_t server_port, Look look);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  uint16_t port() const { return port_; }
  // Connections that come from now on are closed at once. [any thread]
  void close() { is_closed_ = true; }

 private:
  void listen();
  void carry(int client, int server);

  const uint16_t server_port_;
  const Look look_;
  uint16_t port_ = 0;
  FileDescriptor listener_;
  EventDescriptor stop_;
  std::atomic<bool> is_closed_{false};
  std::thread thread_;
};

}  // namespace osiris::test
