// The debug log of what goes to the service and comes back: what it must not hold.
#include "plugins/e2b/api/wire.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "tests/unit/http/fake_transport.h"

namespace osiris::e2b {
namespace {

namespace fs = std::filesystem;

class Wire : public testing::Test {
 protected:
  Wire() {
    char name[] = "/tmp/osiris-wire-XXXXXX";
    dir_ = ::mkdtemp(name);
    EXPECT_TRUE(watched_.open_log(dir_ / "wire.log").ok());
  }
  ~Wire() override { fs::remove_all(dir_); }
  void call(http::Request request, std::string answer) {
    inner_.otherwise = http::FakeAnswer::json(400, std::move(answer));
    http::send(watched_, request);
  }
  std::string log() const { return *read_file(dir_ / "wire.log"); }

  fs::path dir_;
  http::FakeTransport inner_;
  WatchedTransport watched_{inner_};
};

http::Request post(const std::string& url) {
  http::Request request;
  request.method = "POST";
  request.url = url;
  return request;
}

TEST_F(Wire, WhatWasSentAsAKeyIsMaskedWhereverItIsRepeated) {
  http::Request request = post("https://api.example/v2/sandboxes");
  request.headers.add("X-API-Key", "e2b_0123456789abcdef");
  call(request, "{\"code\":400,\"message\":\"your request: x-api-key=e2b_0123456789abcdef\",\"again\":\"" +
                    base64("key e2b_0123456789abcdef!") + "\"}");
  for (const std::string& form : secret_spellings("e2b_0123456789abcdef"))
    EXPECT_EQ(log().find(form), std::string::npos) << log();
  EXPECT_NE(log().find("your request"), std::string::npos) << "the rest stays";
}

TEST_F(Wire, WhatAnAnswerGivesUnderTheNameOfATokenIsMaskedHoweverItIsWritten) {
  call(post("https://api.example/v2/sandboxes"),
       "{\"envdAccessToken\" :\n \"tok-one-1234\", \"trafficAccessToken\":\"tok\\u002dtwo-1234\"}");
  call(post("https://api.example/x"), "{\"message\":\"tokens tok-one-1234 and tok-two-1234\"}");
  for (const char* token : {"tok-one-1234", "tok-two-1234", "u002dtwo"})
    EXPECT_EQ(log().find(token), std::string::npos) << log();
}

TEST_F(Wire, ATokenThatTheEndOfTheShownTextCutsIsNotShownByHalf) {
  call(post("https://api.example/x"),
       "{\"a\":\"" + std::string(1'970, 'x') + "\",\"envdAccessToken\":\"" + std::string(64, 'f') + "\"}");
  EXPECT_EQ(log().find("ffff"), std::string::npos) << log();
}

TEST_F(Wire, OfARequestWithSecretsNeitherItsBodyNorTheAnswerIsShown) {
  http::Request request = post("https://sandbox.example/process.Process/StreamInput");
  request.body = "the secret opening";
  request.has_secrets = true;
  call(request, "{\"message\":\"cannot take: the secret opening\"}");
  EXPECT_EQ(log().find("secret opening"), std::string::npos) << log();
  EXPECT_NE(log().find("(18 bytes for the worker)"), std::string::npos) << log();
}

TEST_F(Wire, AnAnswerCannotActOnTheTerminalOfWhoReadsTheLog) {
  call(post("https://api.example/x"), "a\x1b[2Jb\r\nc\x7f");
  EXPECT_NE(log().find("a [2Jb  c "), std::string::npos) << log();
}

TEST_F(Wire, AMessageIsShownWithoutItsEnvelope) {
  http::Request request = post("https://sandbox.example/process.Process/Connect");
  request.body = std::string("\0\0\0\0\x0d", 5) + "{\"process\":1}";
  call(request, "{}");
  EXPECT_NE(log().find("{\"process\":1}"), std::string::npos);
  request.body = std::string(5, '\0');
  call(request, "{}");
  EXPECT_EQ(log().find('\0'), std::string::npos) << "an empty one neither";
}

TEST_F(Wire, AnOrdinaryRequestIsShown) {
  http::Request request = post("https://api.example/v2/sandboxes");
  request.body = "{\"templateID\":\"base\"}";
  call(request, "{\"message\":\"no\"}");
  EXPECT_NE(log().find("templateID"), std::string::npos);
  EXPECT_NE(log().find("\"message\":\"no\""), std::string::npos);
}

}  // namespace
}  // namespace osiris::e2b
