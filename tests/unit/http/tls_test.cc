// TLS and HTTP/2 against Debian's nghttpx, which speaks both in front of a plain server of ours.
#include <gtest/gtest.h>

#include "protocol/http/curl_transport.h"
#include "tests/unit/http/scripted_server.h"
#include "tests/unit/http/tls_front.h"

namespace osiris::http {
namespace {

class BehindNghttpx : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(front_.is_up()) << front_.error(); }

  Outcome fetch(const std::string& ca_file, const std::string& host) {
    CurlOptions options;
    options.ca_file = ca_file;
    CurlTransport transport(options);
    return fetch_by(transport, "https://" + host + ":" + std::to_string(front_.port()) + "/");
  }
  static Outcome fetch_by(CurlTransport& transport, const std::string& url) {
    Request request;
    request.url = url;
    return send(transport, request);
  }

  ScriptedServer backend_{[](Connection& c) {
    for (Connection::Received r; !(r = c.receive()).head.empty();) {
      const std::string via = r.head.find("Via: 2") != std::string::npos ? "h2" : "h1";
      c.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + via);
    }
  }};
  TlsFront front_{backend_.port()};
};

TEST_F(BehindNghttpx, AKnownCaIsTrustedAndHttp2IsSpoken) {
  const Outcome outcome = fetch(front_.ca_file(), "localhost");
  ASSERT_TRUE(outcome.response) << outcome.failure->error.message;
  EXPECT_EQ(outcome.response->body, "h2");
}

TEST_F(BehindNghttpx, AnUnknownCaIsRefused) {
  const Outcome outcome = fetch("", "localhost");
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->error.code, Code::kUnauthenticated);
}

TEST_F(BehindNghttpx, AnotherHostNameIsRefused) {
  const Outcome outcome = fetch(front_.ca_file(), "127.0.0.1");
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->error.code, Code::kUnauthenticated);
}

TEST_F(BehindNghttpx, ACaFileIsTrustedBesideTheSystemsAuthorities) {
  const TlsFront other(backend_.port());  // with an authority of its own
  ASSERT_TRUE(other.is_up()) << other.error();
  CurlOptions options;
  options.system_ca_file = other.ca_file();
  CurlTransport system_only(options);
  EXPECT_TRUE(fetch_by(system_only, other.url()).response);
  EXPECT_TRUE(fetch_by(system_only, front_.url()).failure);
  options.ca_file = front_.ca_file();
  CurlTransport both(options);
  EXPECT_TRUE(fetch_by(both, other.url()).response) << "the system's authorities are still trusted";
  EXPECT_TRUE(fetch_by(both, front_.url()).response);
}

// Takes what a client sends to a proxy, and refuses it.
class RefusingProxy {
 public:
  std::string url() const { return server_.url(""); }
  int asked() const { return server_.connections(); }
  std::string first_line() const {
    const std::lock_guard lock(mutex_);
    return first_line_;
  }

 private:
  mutable std::mutex mutex_;
  std::string first_line_;
  ScriptedServer server_{[this](Connection& c) {
    const auto received = c.receive();
    {
      const std::lock_guard lock(mutex_);
      first_line_ = received.head.substr(0, received.head.find('\r'));
    }
    c.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  }};
};

TEST_F(BehindNghttpx, TheHttpsProxyIsForHttpsUrls) {
  RefusingProxy proxy;
  CurlOptions options;
  options.ca_file = front_.ca_file();
  options.https_proxy = proxy.url();
  CurlTransport transport(options);
  EXPECT_TRUE(fetch_by(transport, front_.url()).failure);
  EXPECT_EQ(proxy.first_line(), "CONNECT localhost:" + std::to_string(front_.port()) + " HTTP/1.1");
  EXPECT_TRUE(fetch_by(transport, backend_.url()).response) << "an http URL goes straight";
  EXPECT_EQ(proxy.asked(), 1);
}

TEST_F(BehindNghttpx, HostsThatNeedNoProxyAreAskedStraight) {
  RefusingProxy proxy;
  CurlOptions options;
  options.ca_file = front_.ca_file();
  options.https_proxy = proxy.url();
  options.no_proxy = "example.org,localhost";
  CurlTransport transport(options);
  EXPECT_TRUE(fetch_by(transport, front_.url()).response);
  options.no_proxy = "example.org";
  CurlTransport other(options);
  EXPECT_TRUE(fetch_by(other, front_.url()).failure);
}

TEST_F(BehindNghttpx, AProxyForEverythingWins) {
  RefusingProxy mine, theirs;
  CurlOptions options;
  options.ca_file = front_.ca_file();
  options.https_proxy = theirs.url();
  options.proxy = mine.url();
  CurlTransport transport(options);
  EXPECT_TRUE(fetch_by(transport, front_.url()).failure);
  EXPECT_EQ(mine.asked(), 1);
  EXPECT_EQ(theirs.asked(), 0);
}

}  // namespace
}  // namespace osiris::http
