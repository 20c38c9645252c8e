// The client against real servers, through the real osiris-http; and what becomes of a run's exchange when that program
// is not there, dies or hangs.
#include "host/http/client.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <mutex>

#include "protocol/base/clock.h"
#include "protocol/base/temporary_directory.h"
#include "tests/unit/host_http/built_program.h"
#include "tests/unit/http/scripted_server.h"

namespace osiris::http {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

Request post(const std::string& url, std::string body = "{}") {
  Request request;
  request.method = "POST";
  request.url = url;
  request.body = std::move(body);
  request.label = "the call";
  return request;
}

std::string answer(const std::string& body, const char* head = "HTTP/1.1 200 OK") {
  return std::string(head) + "\r\nX-Kind: a: b\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class HttpClient : public testing::Test {
 protected:
  HttpClient() : client_({built_client_program(), {}}) {}
  // Instead of osiris-http.
  fs::path script(const std::string& text) const {
    const fs::path file = directory_.path() / "program";
    std::ofstream(file) << "#!/bin/sh\n" << text << "\n";
    ::chmod(file.c_str(), 0755);
    return file;
  }

  const TemporaryDirectory directory_ = *TemporaryDirectory::make();
  Client client_;
};

TEST_F(HttpClient, BytesOfAnyKindTravelBothWaysOverOneConnection) {
  std::string every;
  for (int i = 0; i < 256; ++i) every += static_cast<char>(i);
  std::string long_body;
  for (int i = 0; i < 8'000; ++i) long_body += every;
  std::mutex mutex;
  std::vector<Connection::Received> received;
  ScriptedServer server([&](Connection& connection) {
    for (Connection::Received request; !(request = connection.receive()).head.empty();) {
      connection.send(answer(request.body));
      const std::lock_guard lock(mutex);
      received.push_back(std::move(request));
    }
  });
  Request request = post(server.url("/in"), long_body);
  request.headers = {{"X-Key", "k\xe9y"}};
  for (int i = 0; i < 3; ++i) {
    const ExchangeResult result = send(client_, request);
    ASSERT_TRUE(result.response) << result.failure->error.message;
    EXPECT_EQ(result.response->status, 200);
    EXPECT_TRUE(result.response->body == long_body);
    EXPECT_EQ(result.response->headers.get("x-kind"), "a: b");
  }
  EXPECT_EQ(server.connections(), 1);
  const std::lock_guard lock(mutex);
  ASSERT_EQ(received.size(), 3u);
  EXPECT_THAT(received[0].head, HasSubstr("X-Key: k\xe9y"));
  EXPECT_TRUE(received[2].body == long_body);
}

TEST_F(HttpClient, WhatFailsIsToldAsTheTransportTellsIt) {
  const ExchangeResult refused = send(client_, post("http://127.0.0.1:" + std::to_string(unused_port()) + "/"));
  ASSERT_TRUE(refused.failure);
  EXPECT_EQ(refused.failure->error.code, Code::kUnavailable);
  EXPECT_EQ(refused.failure->error.category, "connection.failed");
  EXPECT_FALSE(refused.failure->reached_server);
  const ExchangeResult wrong = send(client_, post("ftp://127.0.0.1/"));
  ASSERT_TRUE(wrong.failure);
  EXPECT_EQ(wrong.failure->error.code, Code::kInvalidArgument);
}

TEST_F(HttpClient, AnAnswerThatIsTooLongIsRefused) {
  ScriptedServer server([](Connection& connection) {
    connection.receive();
    connection.send(answer(std::string(100'000, 'x')));
  });
  Request request = post(server.url());
  request.buffered_bytes_max = 1'000;
  const ExchangeResult result = send(client_, request);
  ASSERT_TRUE(result.failure);
  EXPECT_EQ(result.failure->error.code, Code::kExhausted);
}

TEST_F(HttpClient, ACancelledExchangeDoesNotAnswerTheNext) {
  std::atomic<bool> cancelled = false;
  ScriptedServer server([&](Connection& connection) {
    for (Connection::Received request; !(request = connection.receive()).head.empty();) {
      if (request.head.starts_with("POST /second ")) {
        connection.send(answer("second"));
        continue;
      }
      cancelled = true;
      connection.wait_for_peer();
    }
  });
  SendOptions options;
  options.cancelled = &cancelled;
  const ExchangeResult first = send(client_, post(server.url("/first")), options);
  ASSERT_TRUE(first.failure);
  EXPECT_EQ(first.failure->error.code, Code::kCancelled);
  const ExchangeResult second = send(client_, post(server.url("/second")));
  ASSERT_TRUE(second.response) << second.failure->error.message;
  EXPECT_EQ(second.response->body, "second");
}

TEST_F(HttpClient, AProgramThatIsNotThereIsNamedWithAHint) {
  Client client({directory_.path() / "osiris-http", {}});
  const ExchangeResult result = send(client, post("http://127.0.0.1:1/"));
  ASSERT_TRUE(result.failure);
  EXPECT_THAT(result.failure->error.message, HasSubstr("could not execute"));
  EXPECT_THAT(result.failure->error.hint, HasSubstr("install it again"));
  EXPECT_FALSE(result.failure->reached_server);
}

TEST_F(HttpClient, AProgramThatDiesIsToldAndTheNextExchangeStartsAnother) {
  Client client({script("echo lost >&2; exit 3"), {}});
  for (int i = 0; i < 2; ++i) {
    const ExchangeResult result = send(client, post("http://127.0.0.1:1/"));
    ASSERT_TRUE(result.failure);
    EXPECT_EQ(result.failure->error.message, "the call: osiris-http exited with status 3: lost");
  }
}

TEST_F(HttpClient, AProgramThatSaysSomethingElseIsNotBelieved) {
  Client client({script("printf 'hello, this is no frame'; exec sleep 60"), {}});
  const ExchangeResult result = send(client, post("http://127.0.0.1:1/"));
  ASSERT_TRUE(result.failure);
  EXPECT_EQ(result.failure->error.code, Code::kInternal);
}

TEST_F(HttpClient, AProgramThatHangsIsLeftSoonAfterTheRequestsOwnTime) {
  Client client({script("exec sleep 60"), {}});
  Request request = post("http://127.0.0.1:1/");
  request.timeouts.total = Milliseconds{100};
  const int64_t before = system_clock().monotonic_ns();
  const ExchangeResult result = send(client, request);
  EXPECT_LT(system_clock().monotonic_ns() - before, int64_t{20'000'000'000});
  ASSERT_TRUE(result.failure);
  EXPECT_EQ(result.failure->error.category, "connection.timeout");
}

}  // namespace
}  // namespace osiris::http
