#include "protocol/http/curl_transport.h"

#include <gtest/gtest.h>

#include "tests/support/eventually.h"
#include "tests/support/no_more_threads.h"
#include "tests/unit/http/scripted_server.h"

namespace osiris::http {
namespace {

using namespace std::chrono_literals;

void reply(Connection& connection, const std::string& body, const std::string& status = "200 OK",
           const std::string& headers = "") {
  connection.send("HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers +
                  "\r\n" + body);
}

Request get(const std::string& url) {
  Request request;
  request.url = url;
  request.label = "fetch";
  return request;
}

TEST(CurlTransport, ReturnsStatusHeadersAndBody) {
  ScriptedServer server([](Connection& c) {
    c.receive();
    reply(c, "hello", "418 I'm a teapot", "X-Kind: Tea\r\n");
  });
  CurlTransport transport;
  const ExchangeResult outcome = send(transport, get(server.url()));
  ASSERT_TRUE(outcome.response);
  EXPECT_EQ(outcome.response->status, 418);
  EXPECT_EQ(outcome.response->headers.get("x-kind"), "Tea");
  EXPECT_EQ(outcome.response->body, "hello");
}

// While the transport's thread receives more: of interest to ThreadSanitizer.
TEST(CurlTransport, WhatIsCountedOfABodyIsInItsAnswerOnceItWasRead) {
  const std::string piece(100'000, 'x');
  constexpr int kPieces = 100;
  ScriptedServer server([&](Connection& c) {
    c.receive();
    c.send("HTTP/1.1 404 Not Found\r\nContent-Length: " + std::to_string(kPieces * piece.size()) + "\r\n\r\n");
    for (int i = 0; i < kPieces; ++i) c.send(piece);
  });
  CurlTransport transport;
  const auto exchange = transport.open(get(server.url()));
  for (bool more = true; more;) {
    const auto bytes = exchange->read(60s);
    ASSERT_TRUE(bytes.ok()) << bytes.error().message;
    more = !bytes->empty();
    const auto head = exchange->head();
    ASSERT_TRUE(head.ok());
    const Response copy = **head;
    EXPECT_EQ(copy.status, 404);
    EXPECT_EQ(copy.bytes_received, more ? 0 : kPieces * piece.size());
  }
}

TEST(CurlTransport, ReusesOneConnectionForRequestsInARow) {
  ScriptedServer server([](Connection& c) {
    while (!c.receive().head.empty()) reply(c, "x");
  });
  CurlTransport transport;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(send(transport, get(server.url())).response);
  EXPECT_EQ(server.connections(), 1);
  Request another = get(server.url());
  another.wants_new_connection = true;
  ASSERT_TRUE(send(transport, another).response);
  EXPECT_EQ(server.connections(), 2);
}

TEST(CurlTransport, SendsAPostBodyWithItsLengthAndWithoutExpect) {
  std::string head, body;
  ScriptedServer server([&](Connection& c) {
    auto received = c.receive();
    head = received.head;
    body = received.body;
    reply(c, "");
  });
  CurlTransport transport;
  Request request = get(server.url("/x?y=1"));
  request.method = "POST";
  for (int i = 0; request.body.size() < 1'000'000; ++i)
    request.body += std::to_string(i) + ",";  // more than one buffer, and no part like another
  request.body.resize(1'000'000);
  request.headers.add("Content-Type", "application/json");
  const ExchangeResult outcome = send(transport, request);
  ASSERT_TRUE(outcome.response);
  EXPECT_EQ(outcome.response->bytes_sent, 1'000'000u);
  EXPECT_TRUE(head.starts_with("POST /x?y=1 HTTP/1.1\r\n")) << head;
  EXPECT_NE(head.find("Content-Length: 1000000"), std::string::npos) << head;
  EXPECT_EQ(head.find("Expect"), std::string::npos) << head;
  EXPECT_TRUE(body == request.body) << body.size();
}

TEST(CurlTransport, StreamsABodyUpWhileItIsBeingMade) {
  std::string body;
  ScriptedServer server([&](Connection& c) {
    body = c.receive().body;
    reply(c, "");
  });
  CurlTransport transport;
  Request request = get(server.url());
  request.method = "POST";
  request.body_stream = std::make_shared<BodyPipe>(1000);
  auto exchange = transport.open(request);
  std::string expected;
  for (int i = 0; i < 500; ++i) {
    const std::string piece(37 + i % 5, static_cast<char>('a' + i % 26));
    ASSERT_TRUE(request.body_stream->write(piece));
    expected += piece;
  }
  request.body_stream->close();
  ASSERT_TRUE(exchange->head().ok());
  EXPECT_EQ(body, expected);
}

TEST(CurlTransport, AFailedBodyAbortsTheRequestWithItsOwnError) {
  ScriptedServer server([](Connection& c) { c.receive(); });
  CurlTransport transport;
  Request request = get(server.url());
  request.method = "POST";
  request.body_stream = std::make_shared<BodyPipe>();
  auto exchange = transport.open(request);
  request.body_stream->write("half");
  request.body_stream->fail(Error(Code::kExhausted, "the disk is full"));
  const auto head = exchange->head();
  ASSERT_FALSE(head.ok());
  EXPECT_EQ(head.error().message, "the disk is full");
}

TEST(CurlTransport, HandsOutBytesAsTheyArrive) {
  std::atomic<bool> go{false};
  ScriptedServer server([&](Connection& c) {
    c.receive();
    c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    EXPECT_TRUE(test::eventually([&] { return go.load(); }));
    c.send("3\r\ntwo\r\n0\r\n\r\n");
  });
  CurlTransport transport;
  auto exchange = transport.open(get(server.url()));
  ASSERT_TRUE(exchange->head().ok());
  EXPECT_EQ(*exchange->read(10s), "one");
  const auto nothing = exchange->read(1ms);
  ASSERT_FALSE(nothing.ok());
  EXPECT_EQ(nothing.error().code, Code::kDeadline);
  go = true;
  EXPECT_EQ(*exchange->read(10s), "two");
  EXPECT_EQ(*exchange->read(10s), "");
}

TEST(CurlTransport, ASlowReaderHoldsBackItsOwnTransferOnly) {
  const std::string big(16 << 20, 'z');
  ScriptedServer server([&](Connection& c) {
    for (;;) {
      const auto received = c.receive();
      if (received.head.empty()) return;
      reply(c, received.head.find("/big") != std::string::npos ? big : "small");
    }
  });
  CurlTransport transport;
  auto slow = transport.open(get(server.url("/big")));
  ASSERT_TRUE(slow->head().ok());
  EXPECT_EQ(send(transport, get(server.url("/small"))).response->body, "small");
  size_t total = 0;
  for (;;) {
    auto bytes = slow->read(10s);
    ASSERT_TRUE(bytes.ok()) << bytes.error().message;
    if (bytes->empty()) break;
    total += bytes->size();
  }
  EXPECT_EQ(total, big.size());
}

TEST(CurlTransport, AConnectionResetInTheMiddleOfTheBodyIsAnError) {
  ScriptedServer server([](Connection& c) {
    c.receive();
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf");
    c.reset();
  });
  CurlTransport transport;
  const ExchangeResult outcome = send(transport, get(server.url()));
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->error.code, Code::kUnavailable);
  EXPECT_TRUE(outcome.failure->reached_server);
}

// Answers the first request of the first connection, and breaks each one that follows.
class BreaksReusedConnections {
 public:
  std::string url() const { return server_.url(); }
  int requests() const { return requests_; }

 private:
  std::atomic<int> requests_{0};
  ScriptedServer server_{[this](Connection& c) {
    while (!c.receive().head.empty()) {
      if (requests_++ > 0) return c.reset();
      reply(c, "x");
    }
  }};
};

TEST(CurlTransport, APostOnAReusedConnectionThatBreaksIsNotSentAgainBehindOurBack) {
  BreaksReusedConnections server;
  CurlTransport transport;
  ASSERT_TRUE(send(transport, get(server.url())).response);
  Request post = get(server.url());
  post.method = "POST";
  post.body = "{\"start\":1}";
  const ExchangeResult outcome = send(transport, post);
  ASSERT_TRUE(outcome.failure);
  EXPECT_TRUE(outcome.failure->reached_server);
  EXPECT_EQ(outcome.failure->error.code, Code::kUnavailable);
  EXPECT_EQ(server.requests(), 2);
}

TEST(CurlTransport, ACancelledExchangeMayEndWithinItsGrace) {
  std::atomic<bool> cancelled{false};
  ScriptedServer server([&](Connection& c) {
    c.receive();
    cancelled = true;
    reply(c, "made");
  });
  CurlTransport transport;
  SendOptions options;
  options.cancelled = &cancelled;
  options.cancel_grace = 30s;
  const ExchangeResult outcome = send(transport, get(server.url()), options);
  ASSERT_TRUE(outcome.response);
  EXPECT_EQ(outcome.response->body, "made");
}

TEST(CurlTransport, ACancelledExchangeWithoutGraceEnds) {
  std::atomic<bool> cancelled{false};
  ScriptedServer server([&](Connection& c) {
    c.receive();
    cancelled = true;
    c.wait_for_peer();
  });
  CurlTransport transport;
  SendOptions options;
  options.cancelled = &cancelled;
  const ExchangeResult outcome = send(transport, get(server.url()), options);
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->error.code, Code::kCancelled);
}

TEST(CurlTransport, ARefusedConnectionDidNotReachTheServer) {
  CurlTransport transport;
  const ExchangeResult outcome = send(transport, get("http://127.0.0.1:" + std::to_string(unused_port()) + "/"));
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->error.category, "connection.failed");
  EXPECT_FALSE(outcome.failure->reached_server);
}

TEST(CurlTransport, ASilentServerEndsByTheIdleTimeout) {
  ScriptedServer server([](Connection& c) { c.wait_for_peer(); });
  CurlTransport transport;
  Request request = get(server.url());
  request.timeouts.idle = 300ms;
  const ExchangeResult outcome = send(transport, request);
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->error.category, "connection.timeout");
  EXPECT_TRUE(outcome.failure->reached_server);
}

TEST(CurlTransport, ADrippingServerEndsByTheTotalTimeout) {
  ScriptedServer server([](Connection& c) {
    c.receive();
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    c.wait_for_peer();
  });
  CurlTransport transport;
  Request request = get(server.url());
  request.timeouts.total = 300ms;
  const ExchangeResult outcome = send(transport, request);
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->error.category, "connection.timeout");
}

TEST(CurlTransport, CancelFromAnotherThreadEndsAWaitingRead) {
  ScriptedServer server([](Connection& c) { c.wait_for_peer(); });
  CurlTransport transport;
  auto exchange = transport.open(get(server.url()));
  std::thread other([&] { exchange->cancel(); });
  const auto bytes = exchange->read(60s);
  other.join();
  ASSERT_FALSE(bytes.ok());
  EXPECT_EQ(bytes.error().code, Code::kCancelled);
}

TEST(CurlTransport, ARedirectIsNotFollowed) {
  ScriptedServer server([](Connection& c) {
    while (!c.receive().head.empty()) reply(c, "", "302 Found", "Location: http://127.0.0.1:1/\r\n");
  });
  CurlTransport transport;
  const ExchangeResult outcome = send(transport, get(server.url()));
  ASSERT_TRUE(outcome.response);
  EXPECT_EQ(outcome.response->status, 302);
}

TEST(CurlTransport, OtherProtocolsAreRefused) {
  CurlTransport transport;
  const ExchangeResult outcome = send(transport, get("file:///etc/passwd"));
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->error.code, Code::kInvalidArgument);
}

TEST(CurlTransport, GoesThroughAProxyWhenTold) {
  std::string head;
  ScriptedServer proxy([&](Connection& c) {
    head = c.receive().head;
    reply(c, "by proxy");
  });
  CurlOptions options;
  options.proxy = proxy.url();
  CurlTransport transport(options);
  const ExchangeResult outcome = send(transport, get("http://sandbox.invalid/x"));
  ASSERT_TRUE(outcome.response);
  EXPECT_EQ(outcome.response->body, "by proxy");
  EXPECT_TRUE(head.starts_with("GET http://sandbox.invalid/x HTTP/1.1")) << head;
}

TEST(CurlTransport, AReplyLargerThanAllowedIsRefused) {
  ScriptedServer server([](Connection& c) {
    c.receive();
    reply(c, std::string(100'000, 'x'));
  });
  CurlTransport transport;
  SendOptions options;
  options.max_body_bytes = 1000;
  const ExchangeResult outcome = send(transport, get(server.url()), options);
  ASSERT_TRUE(outcome.failure);
  EXPECT_EQ(outcome.failure->error.code, Code::kExhausted);
}

TEST(CurlTransport, WithoutAThreadItSaysSoAndLaterItWorks) {
  ScriptedServer server([](Connection& c) {
    c.receive();
    reply(c, "hello");
  });
  CurlTransport transport;
  {
    const NoMoreThreads none;
    Request request = get(server.url());
    request.method = "POST";
    request.body_stream = std::make_shared<BodyPipe>(1024);
    const ExchangeResult outcome = send(transport, request);
    ASSERT_TRUE(outcome.failure);
    EXPECT_EQ(outcome.failure->error.message, "fetch: the machine has no more threads");
    EXPECT_FALSE(outcome.failure->reached_server);
    EXPECT_FALSE(request.body_stream->write("x")) << "its body is not waited for";
  }
  const ExchangeResult outcome = send(transport, get(server.url()));
  ASSERT_TRUE(outcome.response);
  EXPECT_EQ(outcome.response->body, "hello");
}

}  // namespace
}  // namespace osiris::http
