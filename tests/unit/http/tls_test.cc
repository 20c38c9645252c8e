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
    Request request;
    request.url = "https://" + host + ":" + std::to_string(front_.port()) + "/";
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

}  // namespace
}  // namespace osiris::http
