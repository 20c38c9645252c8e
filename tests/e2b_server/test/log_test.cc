// The logs endpoint, and what envd puts there: that is how a secret in a unary call would reach whoever may read a
// team's logs.
#include "protocol/base/text.h"
#include "servers/e2b/connect_codec.h"
#include "tests/e2b_server/test/fixture.h"

namespace osiris::e2b_server {
namespace {

class Logs : public ServerTest {
 protected:
  void SetUp() override {
    start_server();
    sandbox_ = create();
  }
  Json entries(const std::string& query = "limit=1000") {
    return api("GET", "/v2/sandboxes/" + sandbox_.id + "/logs?" + query).json()["logs"];
  }
  static Json input(std::string_view bytes) { return Json::object({{"stdin", base64(bytes)}}); }
  static Json selector(int64_t pid) { return Json::object({{"pid", pid}}); }
  HttpAnswer stream_input(int64_t pid, std::string_view bytes) {
    const std::string body = envelope(0, Json::object({{"start", Json::object({{"process", selector(pid)}})}}).dump()) +
                             envelope(0, Json::object({{"data", Json::object({{"input", input(bytes)}})}}).dump());
    return envd(sandbox_, "POST", "/process.Process/StreamInput", {{"content-type", "application/connect+json"}}, body);
  }
  SandboxHandle sandbox_;
};

TEST_F(Logs, AUnaryCallIsThereWithAllThatItCarried) {
  EventStream stream(sandbox_, "process.Process/Start", shell("cat", true));
  ASSERT_EQ(rpc(sandbox_, "process.Process/SendInput",
                Json::object({{"process", selector(stream.pid())}, {"input", input("p4ss")}}))
                .status,
            200);
  const Json found = entries("search=Process%20sendInput");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found.items()[0]["level"].as_string(), "info");
  EXPECT_EQ(found.items()[0]["fields"]["method"].as_string(), "POST /process.Process/SendInput");
  EXPECT_NE(found.items()[0]["fields"]["request"].as_string().find(base64("p4ss")), std::string::npos);
}

TEST_F(Logs, OfAStreamOfInputThereIsOnlyThatItWas) {
  EventStream stream(sandbox_, "process.Process/Start", shell("cat", true));
  ASSERT_EQ(stream_input(stream.pid(), "p4ss").status, 200);
  const Json found = entries("search=Process%20streamInput");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found.items()[0]["level"].as_string(), "debug");
  EXPECT_FALSE(found.items()[0]["fields"].contains("request"));
  EXPECT_EQ(server_->log_of(sandbox_.id).find(base64("p4ss")), std::string::npos);
}

TEST_F(Logs, ARefusedCallIsAnErrorAndAFileIsNamed) {
  EXPECT_EQ(
      rpc(sandbox_, "process.Process/SendInput", Json::object({{"process", selector(99999)}, {"input", input("x")}}))
          .status,
      404);
  EXPECT_EQ(envd(sandbox_, "GET", "/files?path=/no/such").status, 404);
  const Json errors = entries("level=error");
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors.items()[0]["message"].as_string(), "Process sendInput");
  EXPECT_EQ(errors.items()[1]["fields"]["path"].as_string(), "/no/such");
}

TEST_F(Logs, AStartIsThereWithItsCommandAndItsVariables) {
  run(sandbox_, "echo one-command");
  EXPECT_NE(server_->log_of(sandbox_.id).find("one-command"), std::string::npos);
  ASSERT_EQ(entries("search=server%20stream").size(), 1u);
}

TEST_F(Logs, OutliveTheirSandbox) {
  run(sandbox_, "true");
  ASSERT_EQ(api("DELETE", "/sandboxes/" + sandbox_.id).status, 204);
  EXPECT_NE(server_->log_of(sandbox_.id).find("started"), std::string::npos);
  EXPECT_EQ(api("GET", "/v2/sandboxes/" + sandbox_.id + "/logs").status, 200);
  for (const char* version : {"", "/v2"})
    EXPECT_EQ(api("GET", std::string(version) + "/sandboxes/inothing/logs").status, 404);
}

}  // namespace
}  // namespace osiris::e2b_server
