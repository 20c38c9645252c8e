#include "tests/unit/http/tls_front.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "protocol/http/curl_transport.h"
#include "tests/support/eventually.h"
#include "tests/unit/http/scripted_server.h"

namespace osiris::http {

TlsFront::TlsFront(int backend_port, Tls tls) : tls_(tls) {
  char name[] = "/tmp/osiris-tls-XXXXXX";
  directory_ = mkdtemp(name);
  const std::string d = directory_.string();
  const std::string make_certificates =
      "cd " + d +
      " && openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=osiris-test-ca "
      ">/dev/null 2>&1 && "
      "openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost >/dev/null 2>&1 && "
      "printf 'subjectAltName=DNS:localhost' >ext && openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key "
      "-CAcreateserial "
      "-out server.pem -days " +
      (tls_ == Tls::kExpired ? "-1" : "2") + " -extfile ext >/dev/null 2>&1";
  if (std::system(make_certificates.c_str()) != 0)
    error_ = "openssl made no certificates";
  else
    start(backend_port);
}

TlsFront::~TlsFront() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void TlsFront::start(int backend_port) {
  port_ = unused_port();
  pid_ = fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a killed test leaves no proxy behind
    const std::string d = directory_.string();
    const std::string front = "--frontend=127.0.0.1," + std::to_string(port_) + (tls_ == Tls::kLeft ? ";no-tls" : "");
    const std::string back = "--backend=127.0.0.1," + std::to_string(backend_port);
    const std::string key = key_file(), certificate = certificate_file(), log = "--errorlog-file=" + d + "/nghttpx.log";
    execlp("nghttpx", "nghttpx", "--conf=/dev/null", front.c_str(), back.c_str(), log.c_str(), "--add-x-forwarded-for",
           "--backend-keep-alive-timeout=200ms", key.c_str(), certificate.c_str(), nullptr);
    _exit(127);
  }
  if (!wait_until_it_answers()) error_ = "nghttpx does not answer";
}

bool TlsFront::wait_until_it_answers() {
  CurlOptions options;
  options.ca_file = ca_file();
  options.verifies_certificates = tls_ != Tls::kExpired;
  CurlTransport transport(options);
  Request request;
  request.url = url() + "/health";
  bool answers = false;
  const bool decided = test::eventually([&] {
    answers = send(transport, request).response.has_value();
    if (!answers && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
    return answers || pid_ < 0;
  });
  return decided && answers;
}

}  // namespace osiris::http
