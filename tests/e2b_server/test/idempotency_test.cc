// Idempotency-Key on POST /v2/sandboxes.
#include <thread>

#include "tests/e2b_server/test/fixture.h"

namespace osiris::e2b_server {
namespace {

class Idempotency : public ServerTest {
 protected:
  static Json base(int64_t timeout_s = 60) { return Json::object({{"templateID", "base"}, {"timeout", timeout_s}}); }
  HttpAnswer create_with(const std::string& key, const Json& body = base(), const std::string& path = "/v2/sandboxes") {
    return api("POST", path, body, {{"idempotency-key", key}});
  }
};

TEST_F(Idempotency, TheSameKeyAndRequestNameTheSameSandbox) {
  start_server();
  const HttpAnswer first = create_with("a-1"), second = create_with("a-1");
  EXPECT_EQ(first.status, 201);
  EXPECT_EQ(second.status, 201);
  EXPECT_EQ(first.body, second.body);
  EXPECT_EQ(server_->sandboxes().size(), 1u);
}

TEST_F(Idempotency, AnotherKeyOrNoneMakesAnother) {
  start_server();
  create_with("a-1");
  create_with("a-2");
  api("POST", "/v2/sandboxes", base());
  EXPECT_EQ(server_->sandboxes().size(), 3u);
}

TEST_F(Idempotency, AnotherRequestWithTheKeyIsRefusedAndNotToBeRepeated) {
  start_server();
  create_with("a-1");
  const HttpAnswer refused = create_with("a-1", base(61));
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.json()["error_code"].as_string(), "idempotency_request_mismatch");
  EXPECT_EQ(refused.header("should-retry"), "false");
  EXPECT_EQ(server_->sandboxes().size(), 1u);
}

TEST_F(Idempotency, WhileTheFirstRequestIsHandledTheSecondIsToComeAgain) {
  start_server({"--create-ms", "1500"});
  std::thread first([this] { create_with("a-1"); });
  ASSERT_TRUE(eventually([&] { return server_->stats()["live"].as_int() == 1; }));
  const HttpAnswer second = create_with("a-1");
  first.join();
  EXPECT_EQ(second.status, 409);
  EXPECT_EQ(second.json()["error_code"].as_string(), "idempotency_in_progress");
  EXPECT_EQ(second.header("should-retry"), "true");
  EXPECT_EQ(create_with("a-1").status, 201);
  EXPECT_EQ(server_->sandboxes().size(), 1u);
}

TEST_F(Idempotency, AnAnswerThatGotLostIsGivenAgain) {
  start_server();
  ASSERT_TRUE(
      server_
          ->set_faults(parsed(R"([{"route":"POST /v2/sandboxes","nth":1,"action":{"type":"reset","when":"before"}}])"))
          .ok());
  EXPECT_EQ(create_with("a-1").status, 0);
  EXPECT_EQ(create_with("a-1").status, 201);
  EXPECT_EQ(server_->sandboxes().size(), 1u);
}

TEST_F(Idempotency, ACreateThatFailedLeavesItsKeyFree) {
  start_server();
  EXPECT_EQ(create_with("a-1", Json::object({{"templateID", "none"}})).status, 404);
  EXPECT_EQ(create_with("a-1").status, 201);
}

TEST_F(Idempotency, KeysHaveAForm) {
  start_server();
  EXPECT_EQ(create_with(std::string(255, 'a')).status, 201);
  for (const std::string& key : {std::string(256, 'a'), std::string("A"), std::string("a_b"), std::string("a b")})
    EXPECT_EQ(create_with(key).status, 400) << key;
}

TEST_F(Idempotency, TheOlderCallDoesNotKnowKeys) {
  start_server();
  EXPECT_NE(create_with("a-1", base(), "/sandboxes").body, create_with("a-1", base(), "/sandboxes").body);
}

TEST_F(Idempotency, AServiceMayIgnoreThem) {
  start_server({"--idempotency", "ignored"});
  EXPECT_NE(create_with("a-1").body, create_with("a-1").body);
}

TEST_F(Idempotency, AFaultMaySayWhatTheServiceSays) {
  start_server();
  ASSERT_TRUE(
      server_
          ->set_faults(parsed(
              R"([{"route":"POST /v2/sandboxes","action":{"type":"status","status":500,"error_code":"sandbox_create_refused","should_retry":"false"}}])"))
          .ok());
  const HttpAnswer refused = create_with("a-1");
  EXPECT_EQ(refused.json()["error_code"].as_string(), "sandbox_create_refused");
  EXPECT_EQ(refused.header("should-retry"), "false");
}

}  // namespace
}  // namespace osiris::e2b_server
