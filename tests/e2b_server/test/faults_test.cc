// Every kind of fault, over real connections.
#include "tests/e2b_server/test/fixture.h"

namespace osiris::e2b_server {
namespace {

class Faults : public ServerTest {
 protected:
  void SetUp() override { start_server(); }
  void plan(const char* faults) {
    const Status set = server_->set_faults(*parse_json(faults));
    ASSERT_TRUE(set.ok()) << set.error().message;
  }
  Json last_request() { return server_->requests().items().back(); }
};

TEST_F(Faults, AStatusWithRetryAfterReachesTheClientAndTheRecord) {
  plan(
      R"([{"route":"POST /v2/sandboxes","nth":1,"action":{"type":"status","status":429,"retry_after":7,"message":"slow down"}}])");
  const HttpAnswer answer = api("POST", "/v2/sandboxes", Json::object({{"templateID", "base"}}));
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.header("retry-after"), "7");
  EXPECT_EQ(answer.json()["message"].as_string(), "slow down");
  EXPECT_EQ(last_request()["faults"].items()[0].as_string(), "status 429");
  EXPECT_EQ(server_->stats()["live"].as_int(), 0);
  EXPECT_EQ(api("POST", "/v2/sandboxes", Json::object({{"templateID", "base"}})).status, 201);
}

TEST_F(Faults, EveryStatusOfThePlanIsSent) {
  for (const int status : {401, 403, 404, 409, 429, 500, 502, 503, 504, 507}) {
    plan(("[{\"route\":\"GET /v2/sandboxes\",\"nth\":1,\"action\":{\"type\":\"status\",\"status\":" +
          std::to_string(status) + "}}]")
             .c_str());
    EXPECT_EQ(api("GET", "/v2/sandboxes").status, status);
  }
  plan(
      R"([{"route":"GET /v2/sandboxes","nth":1,"action":{"type":"status","status":504,"text":"upstream request timeout"}}])");
  EXPECT_EQ(api("GET", "/v2/sandboxes").body, "upstream request timeout");
}

TEST_F(Faults, ALostRequestDidNothingALostAnswerDid) {
  plan(R"([{"route":"POST /v2/sandboxes","nth":1,"action":{"type":"reset","when":"request"}},
           {"route":"POST /v2/sandboxes","nth":2,"action":{"type":"reset","when":"before"}}])");
  EXPECT_TRUE(api("POST", "/v2/sandboxes", Json::object({{"templateID", "base"}})).was_reset);
  EXPECT_EQ(server_->stats()["live"].as_int(), 0);
  const HttpAnswer lost = api("POST", "/v2/sandboxes",
                              Json::object({{"templateID", "base"}, {"metadata", Json::object({{"token", "t1"}})}}));
  EXPECT_TRUE(lost.was_reset);
  EXPECT_EQ(lost.status, 0);
  const Json found = api("GET", "/v2/sandboxes?metadata=token%3Dt1").json();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(api("DELETE", "/sandboxes/" + found.items()[0]["sandboxID"].as_string()).status, 204);
}

TEST_F(Faults, AResetInTheMiddleOrAfterTheBody) {
  const SandboxHandle sandbox = create();
  ASSERT_EQ(
      envd(sandbox, "POST", "/files?path=f", {{"content-type", "application/octet-stream"}}, std::string(5000, 'x'))
          .status,
      200);
  plan(R"([{"route":"GET /files","nth":1,"action":{"type":"reset","when":"middle","after_bytes":1000}},
           {"route":"GET /files","nth":2,"action":{"type":"reset","when":"after"}}])");
  const HttpAnswer middle = envd(sandbox, "GET", "/files?path=f");
  EXPECT_EQ(middle.status, 200);
  EXPECT_EQ(middle.body.size(), 1000u);
  EXPECT_FALSE(middle.is_complete);
  EXPECT_TRUE(middle.was_reset);
  EXPECT_EQ(envd(sandbox, "GET", "/files?path=f").body.size(), 5000u);
}

TEST_F(Faults, AShortBodyHasAMiddleToo) {
  const SandboxHandle sandbox = create();
  plan(R"([{"route":"process.Process/List","nth":1,"action":{"type":"reset"}}])");
  const HttpAnswer cut = rpc(sandbox, "process.Process/List", Json::object());
  EXPECT_EQ(cut.body, "{");
  EXPECT_FALSE(cut.is_complete);
  EXPECT_EQ(rpc(sandbox, "process.Process/List", Json::object()).body, "{}");
}

TEST_F(Faults, AnUploadCutOnItsWayLeavesAShortFile) {
  const SandboxHandle sandbox = create();
  plan(R"([{"route":"POST /files","nth":1,"action":{"type":"reset","when":"upload","after_bytes":2000}}])");
  const HttpAnswer cut =
      envd(sandbox, "POST", "/files?path=f", {{"content-type", "application/octet-stream"}}, std::string(900'000, 'x'));
  EXPECT_EQ(cut.status, 0);
  EXPECT_TRUE(eventually([&] { return read(sandbox, "f").size() == 2000; }));
}

TEST_F(Faults, ATruncatedEnvelopeAndAMissingEndOfStream) {
  const SandboxHandle sandbox = create();
  plan(R"([{"route":"process.Process/Start","nth":1,"action":{"type":"truncate","after_events":1}},
           {"route":"process.Process/Start","nth":2,"action":{"type":"truncate","after_bytes":40}}])");
  for (int i = 0; i < 2; ++i) {
    EventStream stream(sandbox, "process.Process/Start", shell("echo hello"));
    const auto outcome = stream.finish();
    EXPECT_GT(outcome.pid, 0);
    EXPECT_FALSE(outcome.end);
    EXPECT_TRUE(outcome.end_of_stream.is_null());
    EXPECT_FALSE(outcome.was_reset);
    EXPECT_TRUE(stream.head().is_complete) << "the HTTP body itself ends cleanly";
  }
  EXPECT_EQ(run(sandbox, "echo hello").out, "hello\n");
}

TEST_F(Faults, AStreamResetAfterSomeEventsLeavesTheProcessAlive) {
  const SandboxHandle sandbox = create();
  plan(R"([{"route":"process.Process/Start","nth":1,"action":{"type":"reset","after_events":2}}])");
  EventStream stream(sandbox, "process.Process/Start", shell("echo one; read x; echo two; cat", true));
  ASSERT_GT(stream.pid(), 0);
  ASSERT_TRUE(stream.next());  // "one", before "two" can join it in one event
  EventStream again(sandbox, "process.Process/Connect",
                    Json::object({{"process", Json::object({{"pid", stream.pid()}})}}));
  ASSERT_EQ(again.pid(), stream.pid());
  const auto input = [&](const char* base64) {
    return rpc(sandbox, "process.Process/SendInput",
               Json::object(
                   {{"process", Json::object({{"pid", stream.pid()}})}, {"input", Json::object({{"stdin", base64}})}}));
  };
  EXPECT_EQ(input("Cg==").status, 200);
  EXPECT_TRUE(stream.finish().was_reset);
  EXPECT_EQ(
      rpc(sandbox, "process.Process/CloseStdin", Json::object({{"process", Json::object({{"pid", stream.pid()}})}}))
          .status,
      200);
  const auto rest = again.finish();
  EXPECT_NE(rest.out.find("two\n"), std::string::npos);
  EXPECT_EQ(rest.exit_code(), 0);
}

TEST_F(Faults, TheSandboxDiesAtTheChosenEvent) {
  const SandboxHandle sandbox = create();
  plan(
      R"([{"route":"process.Process/Start","nth":1,"action":{"type":"kill_sandbox","when":"middle","after_events":1}}])");
  const auto outcome = run(sandbox, "echo one; sleep 60");
  EXPECT_FALSE(outcome.end);
  EXPECT_TRUE(outcome.was_reset);
  EXPECT_EQ(envd(sandbox, "GET", "/health").status, 502);
  EXPECT_EQ(api("GET", "/sandboxes/" + sandbox.id).status, 404);
}

TEST_F(Faults, TheWorkerDiesAndTheSandboxLives) {
  const SandboxHandle sandbox = create();
  plan(
      R"([{"route":"process.Process/Start","nth":1,"action":{"type":"kill_process","when":"middle","after_events":1,"signal":9}}])");
  const auto outcome = run(sandbox, "echo one; sleep 60");
  ASSERT_TRUE(outcome.end);
  EXPECT_EQ((*outcome.end)["status"].as_string(), "signal: killed");
  EXPECT_EQ(envd(sandbox, "GET", "/health").status, 204);
}

TEST_F(Faults, AClockJumpEndsSandboxes) {
  const SandboxHandle sandbox = create(Json::object({{"templateID", "base"}, {"timeout", 600}}));
  plan(R"([{"route":"GET /v2/sandboxes","nth":1,"action":{"type":"clock_jump","ms":700000}}])");
  api("GET", "/v2/sandboxes");
  EXPECT_TRUE(eventually([&] { return api("GET", "/sandboxes/" + sandbox.id).status == 404; }));
}

TEST_F(Faults, LatencyStallAndBandwidthOnlyDelay) {
  const SandboxHandle sandbox = create();
  plan(
      R"([{"route":"GET /files","action":{"type":"latency","ms":20}},{"route":"GET /files","action":{"type":"stall","ms":20,"after_bytes":10}},
           {"route":"GET /files","action":{"type":"bandwidth","bytes_per_s":100000}}])");
  envd(sandbox, "POST", "/files?path=f", {{"content-type", "application/octet-stream"}}, std::string(5000, 'x'));
  const HttpAnswer answer = envd(sandbox, "GET", "/files?path=f");
  EXPECT_EQ(answer.body, std::string(5000, 'x'));
  EXPECT_TRUE(answer.is_complete);
  EXPECT_EQ(last_request()["faults"].size(), 3u);
}

TEST_F(Faults, AWrongPlanIsRefusedWithItsReason) {
  const Status refused = server_->set_faults(*parse_json(R"([{"route":"*","action":{"type":"reset","wen":"after"}}])"));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("'wen'"), std::string::npos);
}

TEST_F(Faults, TheRecordHoldsEveryRequestWithItsBody) {
  const SandboxHandle sandbox =
      create(Json::object({{"templateID", "base"}, {"metadata", Json::object({{"run", "7"}})}}));
  run(sandbox, "true");
  const Json all = server_->requests();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all.items()[0]["route"].as_string(), "POST /v2/sandboxes");
  EXPECT_EQ(all.items()[0]["body"]["metadata"]["run"].as_string(), "7");
  EXPECT_EQ(all.items()[1]["body"]["process"]["cmd"].as_string(), "/bin/bash");
  EXPECT_EQ(all.items()[1]["sandbox"].as_string(), sandbox.id);
  EXPECT_LT(all.items()[1]["duration_us"].as_uint(), 60'000'000u);
  EXPECT_EQ(server_->requests(1).size(), 1u);
  EXPECT_EQ(server_->count("POST /process.Process/Start"), 1);
}

TEST_F(Faults, TheRecordKnowsTheOrderOfArrivalAndWhatIsStillOpen) {
  const SandboxHandle sandbox = create();
  EventStream stream(sandbox, "process.Process/Start", shell("cat", true));
  ASSERT_GT(stream.pid(), 0);
  ASSERT_EQ(api("GET", "/v2/sandboxes").status, 200);
  EXPECT_EQ(server_->count("POST /process.Process/Start"), 0);  // recorded when it ends
  const auto routes = [&] {
    std::string out;
    const Json all = server_->requests_by_arrival();
    for (const Json& request : all.items())
      out += request["route"].as_string() + (request["open"].as_bool() ? " (open)\n" : "\n");
    return out;
  };
  EXPECT_EQ(routes(), "POST /v2/sandboxes\nPOST /process.Process/Start (open)\nGET /v2/sandboxes\n");
  server_->kill_sandbox(sandbox.id);
  stream.finish();
  ASSERT_TRUE(eventually([&] { return server_->count("POST /process.Process/Start") == 1; }));
  EXPECT_EQ(routes(), "POST /v2/sandboxes\nPOST /process.Process/Start\nGET /v2/sandboxes\n");
}

TEST_F(Faults, AClearedRecordStaysClearedOfWhatWasOpen) {
  const SandboxHandle sandbox = create();
  EventStream stream(sandbox, "process.Process/Start", shell("cat", true));
  ASSERT_GT(stream.pid(), 0);
  server_->clear_requests();
  server_->kill_sandbox(sandbox.id);
  stream.finish();
  ASSERT_EQ(api("GET", "/v2/sandboxes").status, 200);
  EXPECT_EQ(server_->requests_by_arrival().size(), 1u);
}

}  // namespace
}  // namespace osiris::e2b_server
