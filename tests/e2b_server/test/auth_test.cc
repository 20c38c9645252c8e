#include "servers/e2b/auth.h"

#include "tests/e2b_server/test/fixture.h"

namespace osiris::e2b_server {
namespace {

TEST(FileSignature, EqualsTheCheckValuesOfTheProtocol) {
  EXPECT_EQ(file_signature("/home/user/a.txt", "read", "user", "tok", std::nullopt),
            "v1_p0WqJQYCLtO6YX+e4h7VbpybRsdJbMbIw7clYpulIJk");
  EXPECT_EQ(file_signature("/home/user/a.txt", "write", "", "tok", 1700000000),
            "v1_QdtRqpz7xKNXzcs4IguYpySRPZbSGp8b64s9hqOl+wo");
}

TEST(FileSignature, IsCheckedWithItsExpiration) {
  Request request;
  request.method = "POST";
  request.query = {{"path", "/home/user/a.txt"},
                   {"signature", "v1_QdtRqpz7xKNXzcs4IguYpySRPZbSGp8b64s9hqOl+wo"},
                   {"signature_expiration", "1700000000"}};
  EXPECT_FALSE(check_file_access(request, "tok", 1699999999));
  EXPECT_EQ(check_file_access(request, "tok", 1700000001)->message, "signature is already expired");
  EXPECT_EQ(check_file_access(request, "other", 1699999999)->message, "invalid signature");
  request.headers = {{"x-access-token", "wrong"}};
  EXPECT_TRUE(check_file_access(request, "tok", 1699999999));
}

TEST(ActingUser, IsTheNameBeforeTheColon) {
  Request request;
  request.headers = {{"authorization", "Basic cm9vdDo="}};
  EXPECT_EQ(acting_user(request), "root");
  request.headers.clear();
  EXPECT_EQ(acting_user(request), "");
}

using Auth = ServerTest;

TEST_F(Auth, TheControlPlaneWantsTheKey) {
  start_server();
  HttpClient client(server_->url());
  const HttpAnswer without = client.request("GET", "/v2/sandboxes");
  EXPECT_EQ(without.status, 401);
  EXPECT_EQ(without.json()["code"].as_int(), 401);
  EXPECT_EQ(client.request("GET", "/v2/sandboxes", {{"x-api-key", "e2b_wrong"}}).status, 401);
  EXPECT_EQ(client.request("GET", "/v2/sandboxes", {{"x-api-key", server_->api_key()}}).status, 200);
  EXPECT_EQ(client.request("GET", "/health").status, 204);
}

TEST_F(Auth, ASecuredSandboxWantsItsTokenAndNoOther) {
  start_server();
  const SandboxHandle sandbox = create();
  SandboxHandle thief = sandbox;
  thief.token = create().token;
  EXPECT_EQ(rpc(sandbox, "process.Process/List", Json::object()).status, 200);
  EXPECT_EQ(rpc(thief, "process.Process/List", Json::object()).status, 401);
  EXPECT_EQ(envd(thief, "GET", "/files?path=x").status, 401);
  EXPECT_EQ(envd(thief, "GET", "/health").status, 204);
}

TEST_F(Auth, AnUnsecuredSandboxOfTheFirstGenerationIsOpen) {
  start_server();
  const Json made = api("POST", "/sandboxes", Json::object({{"templateID", "base"}})).json();
  EXPECT_FALSE(made.contains("envdAccessToken"));
  EXPECT_EQ(run({server_->url(), made["sandboxID"].as_string(), ""}, "echo open").out, "open\n");
  EXPECT_TRUE(api("POST", "/sandboxes", Json::object({{"templateID", "base"}, {"secure", true}}))
                  .json()
                  .contains("envdAccessToken"));
}

TEST(Hmac, EqualsTheCheckValueOfRfc4231) {
  EXPECT_EQ(hmac_hex("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_F(Auth, ATokenLastsAsLongAsItsSandbox) {
  start_server();
  const SandboxHandle sandbox = create();
  EXPECT_EQ(sandbox.token.size(), 64u);
  ASSERT_EQ(api("POST", "/sandboxes/" + sandbox.id + "/pause", Json::object()).status, 204);
  EXPECT_EQ(
      api("POST", "/v2/sandboxes/" + sandbox.id + "/connect", Json::object()).json()["envdAccessToken"].as_string(),
      sandbox.token);
  EXPECT_EQ(api("GET", "/sandboxes/" + sandbox.id).json()["envdAccessToken"].as_string(), sandbox.token);
}

TEST_F(Auth, BrowsersOfAnyOriginMayAsk) {
  start_server();
  const Pairs preflight{{"origin", "http://page.example"},
                        {"access-control-request-method", "POST"},
                        {"access-control-request-headers", "x-api-key"}};
  const HttpAnswer allowed = HttpClient(server_->url()).request("OPTIONS", "/v2/sandboxes", preflight);
  EXPECT_EQ(allowed.status, 204);
  EXPECT_EQ(allowed.header("access-control-allow-origin"), "*");
  EXPECT_EQ(allowed.header("access-control-allow-headers"), "x-api-key");
  EXPECT_EQ(api("GET", "/v2/sandboxes", {}, {{"origin", "http://page.example"}}).header("access-control-allow-origin"),
            "*");
  EXPECT_EQ(api("GET", "/v2/sandboxes").header("access-control-allow-origin"), "");
}

TEST_F(Auth, RoutesOfTheOrchestratorAreClosed) {
  start_server();
  const HttpAnswer answer = envd(create(), "POST", "/init", {}, "{}");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.json()["path"].as_string(), "/init");
}

TEST_F(Auth, ARequestWithHalfItsRoutingHeadersIsText400) {
  start_server();
  HttpClient client(server_->url());
  const HttpAnswer answer = client.request("GET", "/health", {{"e2b-sandbox-id", "iabc"}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.header("content-type"), "text/plain");
  EXPECT_EQ(client.request("GET", "/health", {{"e2b-sandbox-id", "iabc"}, {"e2b-sandbox-port", "0"}}).body,
            "Invalid sandbox port");
  EXPECT_EQ(client.request("GET", "/health", {{"e2b-sandbox-id", "I-ABC"}, {"e2b-sandbox-port", "49983"}}).body,
            "Invalid sandbox ID");
  EXPECT_EQ(client.request("GET", "/health", {{"host", "sandbox.e2b.example"}}).status, 400);
  EXPECT_EQ(client.request("GET", "/health", {{"host", "49983-NO.e2b.example"}}).body, "Invalid sandbox ID");
}

TEST_F(Auth, AHostNameRoutesAsTheHeadersDo) {
  start_server();
  const SandboxHandle sandbox = create();
  HttpClient client(server_->url());
  EXPECT_EQ(client.request("GET", "/health", {{"host", "49983-" + sandbox.id + ".e2b.example"}}).status, 204);
  const HttpAnswer unknown = client.request("GET", "/health", {{"host", "49983-inothing.e2b.example"}});
  EXPECT_EQ(unknown.status, 502);
  EXPECT_EQ(unknown.json()["sandboxId"].as_string(), "inothing");
  EXPECT_EQ(
      client.request("GET", "/v2/sandboxes", {{"host", "api.e2b.example"}, {"x-api-key", server_->api_key()}}).status,
      200);
}

}  // namespace
}  // namespace osiris::e2b_server
