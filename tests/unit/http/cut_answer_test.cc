// An answer that breaks off at every one of its bytes, by an orderly close and by a reset, for each way a body can be
// framed. A cut is never taken for an answer, and never ends without an error that says so.
#include <gtest/gtest.h>

#include "protocol/http/curl_transport.h"
#include "tests/unit/http/scripted_server.h"

namespace osiris::http {
namespace {

using namespace std::chrono_literals;

constexpr const char* kBody = "0123456789";

struct Framing {
  const char* name;
  std::string head;  // with its empty line
  std::string rest;
  bool ends_by_close = false;  // nothing but the close says where the body ends

  std::string whole() const { return head + rest; }
};

void PrintTo(const Framing& framing, std::ostream* out) { *out << framing.name; }

std::vector<Framing> framings() {
  const std::string ok = "HTTP/1.1 200 OK\r\nX-Kind: Tea\r\n";
  return {{"length", ok + "Content-Length: 10\r\n\r\n", kBody},
          {"chunked", ok + "Transfer-Encoding: chunked\r\n\r\n", "4\r\n0123\r\n6;ext=1\r\n456789\r\n0\r\n\r\n"},
          {"trailer", ok + "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n",
           "a\r\n0123456789\r\n0\r\nX-Sum: 45\r\n\r\n"},
          {"close", ok + "\r\n", kBody, true},
          {"continue", "HTTP/1.1 100 Continue\r\n\r\n" + ok + "Content-Length: 10\r\n\r\n", kBody},
          {"empty", ok + "Content-Length: 0\r\n\r\n", ""}};
}

// Sends the first `cut` bytes of an answer and closes. On a connection that has carried a request before, if told so.
class CuttingServer {
 public:
  CuttingServer(std::string answer, bool resets, bool warms_up = false)
      : answer_(std::move(answer)), resets_(resets), warms_up_(warms_up) {}

  void cut_at(size_t cut) { cut_ = cut; }
  std::string url() const { return server_.url(); }
  int requests() const { return requests_; }

 private:
  const std::string answer_;
  const bool resets_, warms_up_;
  std::atomic<size_t> cut_{0};
  std::atomic<int> requests_{0};
  ScriptedServer server_{[this](Connection& c) {
    if (warms_up_) {
      if (c.receive().head.empty()) return;
      c.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
    if (c.receive().head.empty()) return;
    ++requests_;
    c.send(std::string_view(answer_).substr(0, cut_));
    if (resets_) c.reset();
  }};
};

Request request_to(const std::string& url, const std::string& method = "GET", const std::string& body = "") {
  Request request;
  request.method = method;
  request.url = url;
  request.body = body;
  request.label = "fetch";
  request.timeouts.total = 60s;
  return request;
}

class CutAnswer : public testing::TestWithParam<std::tuple<Framing, bool>> {
 protected:
  const Framing& framing() const { return std::get<0>(GetParam()); }
  bool resets() const { return std::get<1>(GetParam()); }

  // The close is the end of such a body: after the head, no cut can be told from it.
  bool is_unknowable(size_t cut) const { return framing().ends_by_close && !resets() && cut >= framing().head.size(); }
  // curl wants no more of a chunked answer than the carriage return of its last empty line.
  bool is_whole(size_t cut) const {
    return cut >= framing().whole().size() - 1 && !framing().ends_by_close && framing().rest.ends_with("\r\n");
  }

  void expect_cut(const ExchangeResult& outcome, size_t cut) const {
    if (is_unknowable(cut)) {
      ASSERT_TRUE(outcome.response) << cut;
      EXPECT_EQ(outcome.response->body, framing().whole().substr(framing().head.size(), cut - framing().head.size()));
      return;
    }
    if (is_whole(cut) && outcome.response) {
      EXPECT_EQ(outcome.response->body, kBody);
      return;
    }
    ASSERT_TRUE(outcome.failure) << "cut at " << cut << " was taken for an answer: " << outcome.response->status << " '"
                                 << outcome.response->body << "'";
    const Error& error = outcome.failure->error;
    EXPECT_EQ(error.code, Code::kUnavailable) << cut << ": " << error.message;
    EXPECT_EQ(error.category, "connection.failed") << cut << ": " << error.message;
    EXPECT_TRUE(error.message.starts_with("fetch: ") && error.message.size() > 20) << cut << ": " << error.message;
    EXPECT_FALSE(error.hint.empty()) << cut;
    EXPECT_TRUE(outcome.failure->reached_server) << cut;
  }
};

TEST_P(CutAnswer, IsAnErrorWhereverItIsCut) {
  CuttingServer server(framing().whole(), resets());
  CurlTransport transport;
  for (size_t cut = 0; cut < framing().whole().size(); ++cut) {
    server.cut_at(cut);
    expect_cut(send(transport, request_to(server.url())), cut);
  }
}

// Whoever asks for the head first, or for the body first, is told alike.
TEST_P(CutAnswer, InItsHeadIsAnErrorOfHeadAndOfRead) {
  CuttingServer server(framing().whole(), resets());
  CurlTransport transport;
  for (size_t cut = 0; cut < framing().head.size(); ++cut) {
    server.cut_at(cut);
    const auto by_head = transport.open(request_to(server.url()));
    const auto head = by_head->head();
    ASSERT_FALSE(head.ok()) << cut;
    EXPECT_EQ(head.error().code, Code::kUnavailable);
    const auto by_read = transport.open(request_to(server.url()));
    const auto bytes = by_read->read(30s);
    ASSERT_FALSE(bytes.ok()) << cut;
    EXPECT_EQ(bytes.error().message, head.error().message);
    EXPECT_FALSE(by_read->head().ok());
  }
}

TEST_P(CutAnswer, ToAPostOnAReusedConnectionIsNotAskedForAgain) {
  CuttingServer server(framing().whole(), resets(), true);
  int posts = 0;
  for (size_t cut = 0; cut < framing().head.size(); ++cut) {
    CurlTransport transport;
    server.cut_at(cut);
    ASSERT_TRUE(send(transport, request_to(server.url())).response);
    expect_cut(send(transport, request_to(server.url(), "POST", "{\"start\":1}")), cut);
    EXPECT_EQ(server.requests(), ++posts) << "sent again after a cut at " << cut;
  }
}

TEST_P(CutAnswer, EndsAnUploadThatIsUnderWay) {
  CuttingServer server(framing().whole(), resets());
  CurlTransport transport;
  for (const size_t cut : {size_t{0}, size_t{9}, size_t{17}, framing().head.size() - 1}) {
    server.cut_at(cut);
    Request upload = request_to(server.url(), "POST");
    upload.body_stream = std::make_shared<BodyPipe>(1000);
    upload.body_stream->write("some");
    upload.body_stream->close();
    expect_cut(send(transport, upload), cut);
    EXPECT_FALSE(upload.body_stream->write("more"));
  }
}

TEST_P(CutAnswer, WhenWholeIsAnAnswer) {
  if (framing().ends_by_close && resets()) return;  // a reset is never its end
  CuttingServer server(framing().whole(), false);
  CurlTransport transport;
  server.cut_at(framing().whole().size());
  const ExchangeResult outcome = send(transport, request_to(server.url()));
  ASSERT_TRUE(outcome.response) << outcome.failure->error.message;
  EXPECT_EQ(outcome.response->status, 200);
  EXPECT_EQ(outcome.response->headers.get("X-Kind"), "Tea");
  EXPECT_FALSE(outcome.response->headers.has("X-Sum")) << "a trailer is no header";
  EXPECT_EQ(outcome.response->body, framing().rest.empty() ? "" : kBody);
}

INSTANTIATE_TEST_SUITE_P(All, CutAnswer, testing::Combine(testing::ValuesIn(framings()), testing::Bool()),
                         [](const auto& each) {
                           return std::string(std::get<0>(each.param).name) +
                                  (std::get<1>(each.param) ? "_reset" : "_closed");
                         });

TEST(CutHead, ToAPostWithoutABodyIsNotAskedForAgain) {
  CuttingServer server("", false, true);
  CurlTransport transport;
  ASSERT_TRUE(send(transport, request_to(server.url())).response);
  const ExchangeResult outcome = send(transport, request_to(server.url(), "POST"));
  // Its own connection begins with the answer that warms it up.
  ASSERT_TRUE(outcome.response);
  EXPECT_EQ(server.requests(), 0) << "it went over the old connection, where curl sends it again";
}

TEST(CutHead, ATrailerDoesNotChangeTheHeadThatIsBeingRead) {
  ScriptedServer server([](Connection& c) {
    c.receive();
    c.send(
        "HTTP/1.1 200 OK\r\nX-Kind: Tea\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nHTTP/1.1: 500\r\nX-Kind: "
        "Coffee\r\n\r\n");
  });
  CurlTransport transport;
  const ExchangeResult outcome = send(transport, request_to(server.url()));
  ASSERT_TRUE(outcome.response) << outcome.failure->error.message;
  EXPECT_EQ(outcome.response->headers.get("X-Kind"), "Tea");
  EXPECT_EQ(outcome.response->status, 200);
}

TEST(CutHead, OfAProxyDidNotReachTheServer) {
  for (const std::string answer :
       {"HTTP/1.1 200 Connection est", "HTTP/1.1 200 OK\r\nX: y\r\n", "HTTP/1.1 200 OK\r\n\r\n", ""}) {
    ScriptedServer proxy([&](Connection& c) {
      c.receive();
      c.send(answer);
    });
    CurlOptions options;
    options.proxy = proxy.url();
    CurlTransport transport(options);
    const ExchangeResult outcome = send(transport, request_to("https://sandbox.invalid/x", "POST", "{}"));
    ASSERT_TRUE(outcome.failure) << answer;
    EXPECT_EQ(outcome.failure->error.code, Code::kUnavailable) << outcome.failure->error.message;
    EXPECT_FALSE(outcome.failure->reached_server) << answer;
  }
}

}  // namespace
}  // namespace osiris::http
