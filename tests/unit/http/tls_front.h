// Debian's nghttpx in front of a plain server on loopback: it speaks TLS and HTTP/2 to the client, HTTP/1.1 to the
// server, with a certificate for "localhost" from a CA made for the test. Told so, it leaves TLS to somebody before it
// (cutting_front.h).
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace osiris::http {

class TlsFront {
 public:
  enum class Tls { kSpoken, kExpired, kLeft };  // kExpired: with a certificate of yesterday
  explicit TlsFront(int backend_port, Tls tls = Tls::kSpoken);
  ~TlsFront();
  TlsFront(const TlsFront&) = delete;
  TlsFront& operator=(const TlsFront&) = delete;

  // False: it did not come up; see error().
  bool is_up() const { return error_.empty(); }
  const std::string& error() const { return error_; }
  int port() const { return port_; }
  std::string url() const {
    return (tls_ == Tls::kLeft ? "http://127.0.0.1:" : "https://localhost:") + std::to_string(port_);
  }
  std::string ca_file() const { return (directory_ / "ca.pem").string(); }
  std::string certificate_file() const { return (directory_ / "server.pem").string(); }
  std::string key_file() const { return (directory_ / "server.key").string(); }

 private:
  void start(int backend_port);
  bool wait_until_it_answers();

  const Tls tls_;
  std::filesystem::path directory_;
  int port_ = 0;
  pid_t pid_ = -1;
  std::string error_;
};

}  // namespace osiris::http
