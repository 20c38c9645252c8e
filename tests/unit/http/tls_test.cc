// TLS and HTTP/2 against Debian's nghttpx, which speaks both in front of a plain server of ours, with a CA made for the test.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "protocol/http/curl_transport.h"
#include "tests/unit/http/scripted_server.h"

namespace osiris::http {
namespace {

class BehindNghttpx : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/osiris-tls-XXXXXX";
    directory_ = mkdtemp(name);
    const std::string d = directory_.string();
    const std::string make_certificates =
        "cd " + d + " && openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=osiris-test-ca >/dev/null 2>&1 && "
        "openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost >/dev/null 2>&1 && "
        "printf 'subjectAltName=DNS:localhost' >ext && openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial "
        "-out server.pem -days 2 -extfile ext >/dev/null 2>&1";
    ASSERT_EQ(std::system(make_certificates.c_str()), 0);
    port_ = unused_port();
    pid_ = fork();
    if (pid_ == 0) {
      const std::string front = "--frontend=127.0.0.1," + std::to_string(port_);
      const std::string back = "--backend=127.0.0.1," + std::to_string(backend_.port());
      const std::string key = d + "/server.key", certificate = d + "/server.pem", log = "--errorlog-file=" + d + "/nghttpx.log";
      execlp("nghttpx", "nghttpx", "--conf=/dev/null", front.c_str(), back.c_str(), log.c_str(), key.c_str(), certificate.c_str(), nullptr);
      _exit(127);
    }
    ASSERT_TRUE(wait_until_it_answers());
  }

  void TearDown() override {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    std::filesystem::remove_all(directory_);
  }

  bool wait_until_it_answers() {
    for (int i = 0; i < 100; ++i) {
      if (fetch(ca(), "localhost").response) return true;
      if (waitpid(pid_, nullptr, WNOHANG) == pid_) return false;
      usleep(50'000);
    }
    return false;
  }

  std::string ca() const { return (directory_ / "ca.pem").string(); }

  Outcome fetch(const std::string& ca_file, const std::string& host) {
    CurlOptions options;
    options.ca_file = ca_file;
    CurlTransport transport(options);
    Request request;
    request.url = "https://" + host + ":" + std::to_string(port_) + "/";
    return send(transport, request);
  }

  ScriptedServer backend_{[](Connection& c) {
    for (Connection::Received r; !(r = c.receive()).head.empty();) {
      const std::string via = r.head.find("Via: 2") != std::string::npos ? "h2" : "h1";
      c.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + via);
    }
  }};
  std::filesystem::path directory_;
  int port_ = 0;
  pid_t pid_ = -1;
};

TEST_F(BehindNghttpx, AKnownCaIsTrustedAndHttp2IsSpoken) {
  const Outcome outcome = fetch(ca(), "localhost");
  ASSERT_TRUE(outcome.response) << outcome.failure->error.message;
  EXPECT_EQ(outcome.response->body, "h2");
}

TEST_F(BehindNghttpx, AnUnknownCaIsRefused) {
  const Outcome outcome = fetch("", "localhost");
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->error.code, Code::kUnauthenticated);
}

TEST_F(BehindNghttpx, AnotherHostNameIsRefused) {
  const Outcome outcome = fetch(ca(), "127.0.0.1");
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->error.code, Code::kUnauthenticated);
}

}  // namespace
}  // namespace osiris::http
