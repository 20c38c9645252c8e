// HTTP/2 over TLS that breaks off where a test says: inside a frame or inside a TLS record. TLS ends here; behind it
// nghttpx turns HTTP/2 into HTTP/1.1 for a plain server. Every connection reaches nghttpx from an address of its own,
// which the server finds in X-Forwarded-For, so that it can say on which connection the answer is to break off:
//
//   front.plan({Cut::Where::kHeaders, .resets = false});
//   front.arm("127.0.0.7");   // before the answer leaves; or send {"forwarded_for":"127.0.0.7"} to control_port()
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/http/tls_front.h"

namespace osiris::http {

struct Cut {
  enum class Where {
    kHeaders,  // inside the next HEADERS frame of an answer
    kData,     // inside the first DATA frame that follows it
    kRecord,   // inside the TLS record that carries that HEADERS frame
  };
  Where where = Where::kHeaders;
  bool resets = false;  // a TCP reset instead of an orderly end; the orderly end of a frame's cut says close_notify too
};

class CuttingFront {
 public:
  explicit CuttingFront(int backend_port);
  ~CuttingFront();
  CuttingFront(const CuttingFront&) = delete;
  CuttingFront& operator=(const CuttingFront&) = delete;

  bool is_up() const { return error_.empty(); }
  const std::string& error() const { return error_; }
  std::string url() const { return "https://localhost:" + std::to_string(port_); }
  std::string ca_file() const { return plain_.ca_file(); }
  int control_port() const { return control_port_; }

  // How the connection that is armed next breaks off.
  void plan(const Cut& cut);
  // [any thread] The connection with this address breaks off as planned.
  void arm(const std::string& client_address);
  int cuts() const { return cuts_; }

 private:
  class Relay;
  void accept_clients();
  void accept_control();
  void serve(int fd, int number);
  void start_thread(int fd, std::function<void()> work);

  TlsFront plain_;
  std::string error_;
  void* context_ = nullptr;  // SSL_CTX
  int listener_ = -1, control_ = -1;
  int port_ = 0, control_port_ = 0;
  std::atomic<int> cuts_{0};
  std::mutex mutex_;
  Cut planned_;
  std::set<std::string> armed_;  // addresses
  std::set<int> open_;           // sockets, to be shut down at the end
  std::vector<std::thread> serving_;
  std::thread accepting_, listening_;
};

}  // namespace osiris::http
