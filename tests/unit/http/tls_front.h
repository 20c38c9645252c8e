// Debian's nghttpx in front of a plain server on loopback: it speaks TLS and HTTP/2 to the client, HTTP/1.1 to the server,
// with a certificate for "localhost" from a CA made for the test.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace osiris::http {

class TlsFront {
 public:
  explicit TlsFront(int backend_port);
  ~TlsFront();
  TlsFront(const TlsFront&) = delete;
  TlsFront& operator=(const TlsFront&) = delete;

  // False: it did not come up; see error().
  bool is_up() const { return error_.empty(); }
  const std::string& error() const { return error_; }
  int port() const { return port_; }
  std::string url() const { return "https://localhost:" + std::to_string(port_); }
  std::string ca_file() const { return (directory_ / "ca.pem").string(); }

 private:
  void start(int backend_port);
  bool wait_until_it_answers();

  std::filesystem::path directory_;
  int port_ = 0;
  pid_t pid_ = -1;
  std::string error_;
};

}  // namespace osiris::http
