// TLS and HTTP/2 against Debian's nghttpx, which speaks both in front of a plain server of ours.
#include <gtest/gtest.h>

#include "protocol/base/ca_bundle.h"
#include "protocol/http/curl_transport.h"
#include "tests/unit/http/cutting_front.h"
#include "tests/unit/http/scripted_server.h"
#include "tests/unit/http/tls_front.h"

namespace osiris::http {
namespace {

class BehindNghttpx : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(front_.is_up()) << front_.error(); }

  ExchangeResult fetch(const std::string& ca_file, const std::string& host) {
    CurlOptions options;
    options.ca_file = ca_file;
    CurlTransport transport(options);
    return fetch_by(transport, "https://" + host + ":" + std::to_string(front_.port()) + "/");
  }
  static ExchangeResult fetch_by(CurlTransport& transport, const std::string& url) {
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
  const ExchangeResult outcome = fetch(front_.ca_file(), "localhost");
  ASSERT_TRUE(outcome.response) << outcome.failure->error.message;
  EXPECT_EQ(outcome.response->body, "h2");
}

TEST_F(BehindNghttpx, AnUnknownCaIsRefused) {
  const ExchangeResult outcome = fetch("", "localhost");
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->error.code, Code::kUnauthenticated);
}

TEST_F(BehindNghttpx, ACertificateThatHasExpiredIsRefused) {
  const TlsFront expired(backend_.port(), TlsFront::Tls::kExpired);
  ASSERT_TRUE(expired.is_up()) << expired.error();
  CurlOptions options;
  options.ca_file = expired.ca_file();
  CurlTransport transport(options);
  const ExchangeResult outcome = fetch_by(transport, expired.url());
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->error.code, Code::kUnauthenticated);
  EXPECT_NE(outcome.failure->error.message.find("expired"), std::string::npos) << outcome.failure->error.message;
}

TEST(CaBundle, IsTheFirstThatCanBeRead) {
  const std::string here = "/proc/self/status";
  EXPECT_EQ(first_readable({"/nonexistent/a", here, "/proc/self/maps"}), here);
  EXPECT_EQ(first_readable({"/nonexistent/a", "/nonexistent/b"}), "");
}

TEST_F(BehindNghttpx, AnotherHostNameIsRefused) {
  const ExchangeResult outcome = fetch(front_.ca_file(), "127.0.0.1");
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

// Whoever asks for /cut gets an answer that breaks off below HTTP.
class BehindACuttingFront : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(front_.is_up()) << front_.error(); }

  static std::string header(const std::string& head, const std::string& name) {
    const size_t at = head.find(name + ": ");
    return at == std::string::npos ? ""
                                   : head.substr(at + name.size() + 2, head.find("\r\n", at) - at - name.size() - 2);
  }

  Request request(const std::string& path, const std::string& method = "GET", const std::string& body = "") const {
    Request request;
    request.method = method;
    request.url = front_.url() + path;
    request.body = body;
    request.label = "fetch";
    request.timeouts.total = Milliseconds(60'000);
    return request;
  }

  static CurlOptions trusting(const CuttingFront& front) {
    CurlOptions options;
    options.ca_file = front.ca_file();
    return options;
  }

  std::atomic<int> cut_requests_{0};
  std::string answer_ = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789";
  ScriptedServer backend_{[this](Connection& c) {
    for (Connection::Received r; !(r = c.receive()).head.empty();) {
      if (r.head.find("/cut") != std::string::npos) {
        ++cut_requests_;
        front_.arm(header(r.head, "X-Forwarded-For"));
      }
      c.send(answer_);
    }
  }};
  CuttingFront front_{backend_.port()};
};

TEST_F(BehindACuttingFront, AnAnswerPassesWholeUntilOneIsCut) {
  CurlTransport transport(trusting(front_));
  for (int i = 0; i < 3; ++i) {
    const ExchangeResult outcome = send(transport, request("/whole"));
    ASSERT_TRUE(outcome.response) << outcome.failure->error.message;
    EXPECT_EQ(outcome.response->body, "0123456789");
  }
  EXPECT_EQ(front_.cuts(), 0);
}

// With a length, without one, and with a body of many frames.
TEST_F(BehindACuttingFront, ACutInsideAFrameOrARecordIsAnErrorAndNothingIsSentTwice) {
  const std::string big(200'000, 'x');
  const std::string answers[] = {answer_,
                                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n",
                                 "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + big};
  int cuts = 0;
  for (const std::string& answer : answers)
    for (const auto where : {Cut::Where::kHeaders, Cut::Where::kData, Cut::Where::kRecord})
      for (const bool resets : {false, true}) {
        answer_ = answer;
        front_.plan({where, resets});
        CurlTransport transport(trusting(front_));
        ASSERT_TRUE(send(transport, request("/whole")).response);  // a connection that is there already
        const ExchangeResult outcome = send(transport, request("/cut", "POST", "{}"));
        const std::string what =
            answer.substr(17, 20) + " " + std::to_string(static_cast<int>(where)) + (resets ? " reset" : " closed");
        ASSERT_TRUE(outcome.failure) << what << ": taken for an answer of " << outcome.response->body.size()
                                     << " bytes";
        EXPECT_EQ(outcome.failure->error.code, Code::kUnavailable) << what << ": " << outcome.failure->error.message;
        EXPECT_EQ(outcome.failure->error.category, "connection.failed")
            << what << ": " << outcome.failure->error.message;
        EXPECT_GT(outcome.failure->error.message.size(), 20u) << what;
        EXPECT_TRUE(outcome.failure->reached_server) << what;
        EXPECT_EQ(front_.cuts(), ++cuts) << what;
        EXPECT_EQ(cut_requests_, cuts) << what << ": sent twice";
        front_.plan({});
        EXPECT_TRUE(send(transport, request("/whole")).response) << what << ": and then?";
      }
}

}  // namespace
}  // namespace osiris::http
