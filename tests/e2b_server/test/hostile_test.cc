// Clients that send what no client should. The server answers or hangs up, and serves the next one.
#include <thread>

#include "tests/e2b_server/test/fixture.h"

namespace osiris::e2b_server {
namespace {

class Hostile : public ServerTest {
 protected:
  void TearDown() override {
    if (server_) {
      EXPECT_EQ(api("GET", "/v2/sandboxes").status, 200) << "the server must have survived";
    }
    ServerTest::TearDown();
  }
  // The status of what a client gets who sends these bytes; 0: a closed connection.
  int answer_to(std::string_view bytes) {
    HttpClient client(server_->url());
    client.send_raw(bytes);
    return client.read_head().status;
  }
  std::string head_of(const SandboxHandle& sandbox, const std::string& method, const std::string& more) const {
    return "POST /" + method + " HTTP/1.1\r\nhost: x\r\ne2b-sandbox-id: " + sandbox.id +
           "\r\ne2b-sandbox-port: 49983\r\nx-access-token: " + sandbox.token + "\r\n" + more + "\r\n";
  }
};

TEST_F(Hostile, WhatIsNoHttpAndWhatIsTooMuchOfIt) {
  start_server();
  EXPECT_EQ(answer_to("\x16\x03\x01 this is TLS\r\n\r\n"), 400);
  EXPECT_EQ(answer_to("GET / HTTP/9.9\r\n\r\n"), 400);
  EXPECT_EQ(answer_to("GET /health HTTP/1.1\r\nno colon here\r\n\r\n"), 400);
  EXPECT_EQ(answer_to("GET /health HTTP/1.1\r\nx: " + std::string(1 << 20, 'a') + "\r\n\r\n"), 431);
  EXPECT_EQ(answer_to("POST /v2/sandboxes HTTP/1.1\r\ncontent-length: -5\r\n\r\n"), 400);
  EXPECT_EQ(answer_to("GET /health HTTP/1.1\r\nhost: x\r\n\r\n"), 204);
}

TEST_F(Hostile, AHeadThatNeverEndsLosesItsConnectionAndNobodyElses) {
  start_server({"--header-ms", "200"});
  std::vector<std::unique_ptr<HttpClient>> slow;
  for (int i = 0; i < 50; ++i) {
    slow.push_back(std::make_unique<HttpClient>(server_->url()));
    ASSERT_TRUE(slow.back()->send_raw("GET /health HTTP/1.1\r\nx: "));
  }
  EXPECT_EQ(api("GET", "/v2/sandboxes").status, 200);
  for (const auto& each : slow) EXPECT_EQ(each->read_head().status, 0);
}

TEST_F(Hostile, AHeadMayComeByteByByte) {
  start_server();
  for (int i = 0; i < 20; ++i) {
    HttpClient client(server_->url());
    for (const char byte : std::string_view("GET /health HTTP/1.1\r\nhost: x\r\n\r\n"))
      ASSERT_TRUE(client.send_raw(std::string_view(&byte, 1)));
    EXPECT_EQ(client.read_head().status, 204);
  }
}

TEST_F(Hostile, ABodyWhoseChunksAreNone) {
  start_server();
  const std::string key = "x-api-key: " + server_->api_key() + "\r\n";
  EXPECT_EQ(answer_to("POST /v2/sandboxes HTTP/1.1\r\nhost: x\r\n" + key +
                      "transfer-encoding: chunked\r\n\r\nZZ\r\nnot hex\r\n"),
            400);
  EXPECT_EQ(answer_to("POST /v2/sandboxes HTTP/1.1\r\nhost: x\r\n" + key +
                      "transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}\r\n"),
            400);
  EXPECT_EQ(server_->stats()["live"].as_int(), 0);
}

TEST_F(Hostile, EnvelopesOfFourGigabytes) {
  start_server();
  const SandboxHandle sandbox = create();
  const std::string type = "content-type: application/connect+json\r\n", huge = std::string("\0\xff\xff\xff\xff{}", 7);
  for (const char* method :
       {"process.Process/Start", "process.Process/StreamInput", "filesystem.Filesystem/WatchDir"}) {
    HttpClient client(server_->url());
    const HttpAnswer answer = client.request("POST", "/" + std::string(method),
                                             sandbox.headers({{"content-type", "application/connect+json"}}), huge);
    EXPECT_EQ(answer.status, 200) << method;
    EXPECT_NE(answer.body.find("invalid_argument"), std::string::npos) << method;
  }
}

TEST_F(Hostile, JsonThatIsDeepOrLong) {
  start_server();
  const SandboxHandle sandbox = create();
  const std::string deep = std::string(2'000'000, '[');
  EXPECT_EQ(envd(sandbox, "POST", "/process.Process/List", {{"content-type", "application/json"}}, deep).status, 400);
  EXPECT_EQ(envd(sandbox, "POST", "/files/compose", {}, deep).status, 400);
  const Pairs key{{"x-api-key", server_->api_key()}};
  EXPECT_EQ(HttpClient(server_->url()).request("POST", "/v2/sandboxes", key, deep).status, 400);
  EXPECT_EQ(HttpClient(server_->url()).request("POST", "/v2/sandboxes", key, std::string(17 << 20, ' ')).status, 413);
  EXPECT_EQ(HttpClient(server_->url()).request("PUT", "/_admin/faults", key, deep).status, 400);
  EXPECT_EQ(HttpClient(server_->url()).request("POST", "/_admin/clock", key, deep).status, 400);
}

TEST_F(Hostile, AMultipartBodyWithoutLines) {
  start_server();
  const SandboxHandle sandbox = create();
  const Pairs type{{"content-type", "multipart/form-data; boundary=b"}};
  for (const char* begin : {"--b", "--b\r\n"}) {
    const HttpAnswer refused = envd(sandbox, "POST", "/files", type, begin + std::string(8 << 20, 'x'));
    EXPECT_EQ(refused.status, 400);
    EXPECT_NE(refused.body.find("never end"), std::string::npos) << "given up early, not at its end: " << refused.body;
  }
}

TEST_F(Hostile, AThousandProcessesAndTheirDeath) {
  start_server();
  const SandboxHandle sandbox = create();
  const auto outcome = run(sandbox, "for i in $(seq 1000); do sleep 5000 > /dev/null 2>&1 & done; jobs -p | wc -l");
  EXPECT_EQ(outcome.out, "1000\n");
  for (int i = 0; i < 100; ++i) {
    EventStream stream(sandbox, "process.Process/Start", shell("sleep 5000"));
    ASSERT_GT(stream.pid(), 0);
  }
  EXPECT_EQ(rpc(sandbox, "process.Process/List", Json::object()).json()["processes"].size(), 100u);
  EXPECT_EQ(api("DELETE", "/sandboxes/" + sandbox.id).status, 204);
  EXPECT_EQ(server_->stats()["live"].as_int(), 0);
}

TEST_F(Hostile, AForkBombStaysInItsSandbox) {
  start_server();
  OSIRIS_NEEDS(server_->has_namespaces(), "namespaces");
  const SandboxHandle bomb = create(), other = create();
  EventStream stream(bomb, "process.Process/Start", shell("ulimit -u"));
  const std::string limit = stream.finish().out;
  EXPECT_NE(limit, "unlimited\n");
  EXPECT_LE(std::atoi(limit.c_str()), 8192);
  EXPECT_EQ(run(other, "echo well").out, "well\n");
}

}  // namespace
}  // namespace osiris::e2b_server
