// States, timeouts, lists; both REST generations.
#include <signal.h>
#include <unistd.h>

#include <set>
#include <thread>

#include "tests/e2b_server/test/fixture.h"

namespace osiris::e2b_server {
namespace {

using Lifecycle = ServerTest;

Json base(int64_t timeout_s = 300) { return Json::object({{"templateID", "base"}, {"timeout", timeout_s}}); }

TEST_F(Lifecycle, TheTimeoutReallyKills) {
  start_server();
  const SandboxHandle sandbox = create(base(1));
  const pid_t first = static_cast<pid_t>(server_->sandboxes().items()[0]["hostPid"].as_int());
  const auto outcome = run(sandbox, "sleep 60");
  EXPECT_TRUE(outcome.was_reset);
  EXPECT_EQ(api("GET", "/sandboxes/" + sandbox.id).status, 404);
  const HttpAnswer gone = envd(sandbox, "GET", "/files?path=x");
  EXPECT_EQ(gone.status, 502);
  EXPECT_EQ(gone.json()["message"].as_string(), "The sandbox was not found");
  EXPECT_TRUE(eventually([&] { return ::kill(first, 0) != 0 && server_->stats()["live"].as_int() == 0; }));
}

TEST_F(Lifecycle, TheTimeoutCanBeMovedBothWaysButARefreshOnlyExtends) {
  start_server();
  const SandboxHandle sandbox = create(base(100));
  const std::string path = "/sandboxes/" + sandbox.id;
  const auto end = [&] { return api("GET", path).json()["endAt"].as_string(); };
  const std::string at_first = end();
  EXPECT_EQ(api("POST", path + "/refreshes", Json::object({{"duration", 20}})).status, 204);
  EXPECT_EQ(end(), at_first);
  EXPECT_EQ(api("POST", path + "/timeout", Json::object({{"timeout", 50}})).status, 204);
  EXPECT_LT(end(), at_first);
  EXPECT_EQ(api("POST", path + "/refreshes", Json::object({{"duration", 3000}})).status, 204);
  EXPECT_GT(end(), at_first);
  EXPECT_EQ(api("POST", path + "/timeout", Json::object({{"timeout", 25 * 3600}})).status, 204)
      << "cut down without a word";
  EXPECT_EQ(api("POST", path + "/timeout", Json::object()).status, 400);
  EXPECT_EQ(api("POST", "/sandboxes/inothing/timeout", Json::object({{"timeout", 5}})).status, 404);
  EXPECT_EQ(api("POST", "/sandboxes/NOT-AN-ID/timeout", Json::object({{"timeout", 5}})).status, 400);
}

// Unix milliseconds of the times in a sandbox's description, within one day.
int64_t life_ms(const Json& info) {
  const auto ms = [](const std::string& time) {
    return static_cast<int64_t>(1000 * std::stod(time.substr(17, 9)) + 60'000 * std::stoi(time.substr(14, 2)) +
                                3'600'000 * std::stoi(time.substr(11, 2)));
  };
  const int64_t life = ms(info["endAt"].as_string()) - ms(info["startedAt"].as_string());
  return life < 0 ? life + 86'400'000 : life;
}

TEST_F(Lifecycle, ARenewalIsCutDownToThePlansMaximumWithoutAWord) {
  start_server({"--max-seconds", "100"});
  const SandboxHandle sandbox = create(base(100));
  const std::string path = "/sandboxes/" + sandbox.id;
  EXPECT_EQ(api("POST", path + "/timeout", Json::object({{"timeout", 1000}})).status, 204);
  EXPECT_EQ(life_ms(api("GET", path).json()), 100'000);
  EXPECT_EQ(api("POST", path + "/refreshes", Json::object({{"duration", 1000}})).status, 204);
  EXPECT_EQ(life_ms(api("GET", path).json()), 100'000);
  server_->jump_clock(50'000);
  EXPECT_EQ(api("POST", path + "/timeout", Json::object({{"timeout", 80}})).status, 204);
  EXPECT_EQ(life_ms(api("GET", path).json()), 100'000);
  EXPECT_EQ(api("POST", path + "/timeout", Json::object({{"timeout", 20}})).status, 204);
  EXPECT_LT(life_ms(api("GET", path).json()), 80'000) << "shorter is as asked for";
  server_->jump_clock(51'000);
  EXPECT_TRUE(eventually([&] { return api("GET", path).status == 404; }));
}

TEST_F(Lifecycle, ACreateBeyondThePlansMaximumIsRefused) {
  start_server({"--max-seconds", "100"});
  EXPECT_EQ(api("POST", "/v2/sandboxes", base(101)).json()["message"].as_string(),
            "Timeout cannot be greater than 100 seconds");
  EXPECT_EQ(api("POST", "/v2/sandboxes", base(100)).status, 201);
}

TEST_F(Lifecycle, PauseStopsEveryProcessAndResumeContinuesThem) {
  start_server();
  const SandboxHandle sandbox = create();
  EventStream ticking(sandbox, "process.Process/Start", shell("while true; do echo x >> ticks; sleep 0.01; done"));
  const int64_t pid = ticking.pid();
  ASSERT_TRUE(eventually([&] { return read(sandbox, "ticks").size() > 4; }));
  const std::string file = server_->sandboxes().items()[0]["directory"].as_string() + "/root/home/user/ticks";
  const std::string path = "/sandboxes/" + sandbox.id;
  EXPECT_EQ(api("POST", path + "/pause", Json::object()).status, 204);
  EXPECT_TRUE(ticking.finish().was_reset) << "connections die";
  const auto frozen = std::filesystem::file_size(file);
  EXPECT_EQ(envd(sandbox, "GET", "/health").status, 502);
  EXPECT_EQ(api("POST", path + "/pause", Json::object()).json()["code"].as_int(), 409);
  EXPECT_EQ(api("GET", path).json()["state"].as_string(), "paused");
  EXPECT_EQ(std::filesystem::file_size(file), frozen);
  EXPECT_EQ(api("POST", "/v2" + path + "/connect", Json::object()).status, 201);
  EXPECT_TRUE(eventually([&] { return std::filesystem::file_size(file) > frozen; }));
  EXPECT_EQ(api("POST", path + "/resume", Json::object()).status, 409);
  EXPECT_EQ(rpc(sandbox, "process.Process/List", Json::object()).json()["processes"].items()[0]["pid"].as_int(), pid);
}

TEST_F(Lifecycle, APausedSandboxOutlivesItsTimeoutAndMayPauseByItself) {
  start_server();
  Json body = base(100);
  body.set("autoPause", true);
  const SandboxHandle sandbox = create(body);
  run(sandbox, "echo kept > kept");
  server_->jump_clock(200'000);
  ASSERT_TRUE(
      eventually([&] { return api("GET", "/sandboxes/" + sandbox.id).json()["state"].as_string() == "paused"; }));
  // 409 as long as the pause is under way.
  EXPECT_TRUE(eventually([&] {
    return api("POST", "/sandboxes/" + sandbox.id + "/connect", Json::object({{"timeout", 60}})).status == 201;
  }));
  EXPECT_EQ(read(sandbox, "kept"), "kept\n");
}

TEST_F(Lifecycle, AnAutoResumingSandboxWakesForTraffic) {
  start_server();
  Json body = base();
  body.set("autoResume", Json::object({{"enabled", true}}));
  const SandboxHandle sandbox = create(body);
  ASSERT_EQ(api("POST", "/sandboxes/" + sandbox.id + "/pause", Json::object()).status, 204);
  SandboxHandle thief = sandbox;
  thief.token = "wrong";
  EXPECT_EQ(envd(thief, "GET", "/files?path=x").status, 403);
  EXPECT_EQ(run(sandbox, "echo awake").out, "awake\n");
}

TEST_F(Lifecycle, TheTwoGenerationsDifferInTheirDefaults) {
  start_server();
  const auto life_s = [&](const char* path) {
    const Json made = api("POST", path, Json::object({{"templateID", "base"}})).json();
    const Json info = api("GET", "/sandboxes/" + made["sandboxID"].as_string()).json();
    const auto seconds = [](const std::string& time) {
      return std::stod(time.substr(17, 9)) + 60 * std::stoi(time.substr(14, 2)) + 3600 * std::stoi(time.substr(11, 2));
    };
    double life = seconds(info["endAt"].as_string()) - seconds(info["startedAt"].as_string());
    return static_cast<int>((life < 0 ? life + 86400 : life) + 0.5);
  };
  EXPECT_EQ(life_s("/sandboxes"), 15);
  EXPECT_EQ(life_s("/v2/sandboxes"), 300);
  EXPECT_EQ(api("POST", "/sandboxes", Json::object({{"templateID", "base"}, {"timeout", 0}})).status, 400);
  EXPECT_EQ(api("POST", "/sandboxes", Json::object()).status, 400);
  EXPECT_EQ(api("POST", "/sandboxes", Json::object({{"templateID", "none"}})).json()["code"].as_int(), 404);
}

TEST_F(Lifecycle, TheListIsPagedAndFiltered) {
  start_server();
  std::vector<std::string> made;
  for (int i = 0; i < 5; ++i) {
    Json body = base();
    body.set("metadata", Json::object({{"k", i % 2 ? "odd & ü" : "even"}}));
    made.push_back(create(body).id);
  }
  EXPECT_EQ(api("GET", "/v2/sandboxes?metadata=k%3Dodd%252520%252526%252520%2525C3%2525BC").json().size(), 2u);
  std::vector<std::string> seen;
  std::string token;
  do {
    const HttpAnswer page = api("GET", "/v2/sandboxes?limit=2&nextToken=" + token);
    EXPECT_EQ(page.header("x-total-running"), "5");
    EXPECT_LE(page.json().size(), 2u);
    const Json items = page.json();
    for (const Json& item : items.items()) seen.push_back(item["sandboxID"].as_string());
    token = page.header("x-next-token");
  } while (!token.empty());
  EXPECT_EQ(seen, std::vector<std::string>(made.rbegin(), made.rend()));
  EXPECT_EQ(api("GET", "/sandboxes").json().size(), 5u);
  EXPECT_EQ(api("GET", "/v2/sandboxes?limit=0").status, 400);
}

TEST_F(Lifecycle, APageFollowsAlsoWhenTheLastItemOfTheOneBeforeIsGone) {
  start_server();
  for (int i = 0; i < 4; ++i) create();
  const HttpAnswer first = api("GET", "/v2/sandboxes?limit=2");
  ASSERT_EQ(first.json().size(), 2u);
  api("DELETE", "/sandboxes/" + first.json().items()[1]["sandboxID"].as_string());
  EXPECT_EQ(api("GET", "/v2/sandboxes?limit=2&nextToken=" + first.header("x-next-token")).json().size(), 2u);
  EXPECT_EQ(api("GET", "/v2/sandboxes?nextToken=nonsense").status, 400);
  const std::string oldest = api("GET", "/v2/sandboxes?order=asc&limit=1").json().items()[0]["startedAt"].as_string();
  EXPECT_EQ(api("GET", "/v2/sandboxes?startedAfter=" + oldest).json().size(), 2u);
  EXPECT_EQ(api("GET", "/v2/sandboxes?startedAfter=2000-01-01T00:00:00Z").json().size(), 3u);
}

TEST_F(Lifecycle, PausedSandboxesLeaveRoomForOthersAndWaitForItThemselves) {
  start_server({"--max-sandboxes", "1"});
  Json body = base();
  body.set("autoResume", Json::object({{"enabled", true}}));
  const SandboxHandle first = create(body);
  ASSERT_EQ(api("POST", "/sandboxes/" + first.id + "/pause", Json::object()).status, 204);
  const SandboxHandle second = create();
  EXPECT_EQ(api("POST", "/v2/sandboxes/" + first.id + "/connect", Json::object()).status, 429);
  const HttpAnswer held = envd(first, "GET", "/health");
  EXPECT_EQ(held.status, 429);
  EXPECT_EQ(held.json()["sandboxId"].as_string(), first.id);
  ASSERT_EQ(api("DELETE", "/sandboxes/" + second.id).status, 204);
  EXPECT_EQ(envd(first, "GET", "/health").status, 204);
}

TEST_F(Lifecycle, AnAutomaticPauseMayKeepTheFilesOnly) {
  start_server();
  Json body = base(100);
  body.set("autoPause", true);
  body.set("autoPauseMemory", false);
  const SandboxHandle sandbox = create(body);
  run(sandbox, "echo kept > kept; setsid sleep 1000 > /dev/null 2>&1 &");
  EventStream leader(sandbox, "process.Process/Start", shell("sleep 1000"));
  ASSERT_GT(leader.pid(), 0);
  server_->jump_clock(200'000);
  ASSERT_TRUE(
      eventually([&] { return api("GET", "/sandboxes/" + sandbox.id).json()["state"].as_string() == "paused"; }));
  ASSERT_TRUE(eventually(
      [&] { return api("POST", "/v2/sandboxes/" + sandbox.id + "/connect", Json::object()).status == 201; }));
  EXPECT_EQ(read(sandbox, "kept"), "kept\n");
  EXPECT_TRUE(eventually([&] { return rpc(sandbox, "process.Process/List", Json::object()).body == "{}"; }));
  body.set("autoResume", Json::object({{"enabled", true}}));
  EXPECT_EQ(api("POST", "/v2/sandboxes", body).status, 400);
}

TEST_F(Lifecycle, ASnapshotIsTakenWhileTheSandboxIsBusy) {
  start_server();
  const SandboxHandle sandbox = create(parsed(R"({"templateID":"base","envVars":{"KEPT":"yes"}})"));
  EventStream busy(sandbox, "process.Process/Start",
                   shell("while true; do for i in 1 2 3 4 5 6 7 8 9; do echo x > f$i; done; rm -f f*; done"));
  ASSERT_GT(busy.pid(), 0);
  for (int i = 0; i < 5; ++i)
    ASSERT_EQ(api("POST", "/sandboxes/" + sandbox.id + "/snapshots", Json::object({{"name", "busy"}})).status, 201);
  EXPECT_EQ(api("GET", "/snapshots?name=busy").json().size(), 1u);
  EXPECT_EQ(api("GET", "/snapshots?name=other").json().size(), 0u);
  const Json forked =
      api("POST", "/sandboxes/" + sandbox.id + "/fork", Json::object({{"count", 1}})).json().items()[0]["sandbox"];
  const SandboxHandle fork{server_->url(), forked["sandboxID"].as_string(), forked["envdAccessToken"].as_string()};
  EXPECT_EQ(run(fork, "echo $KEPT").out, "yes\n");
  EXPECT_EQ(api("POST", "/sandboxes/" + sandbox.id + "/fork", Json::object({{"count", 21}})).status, 400);
  EXPECT_EQ(api("POST", "/sandboxes/inothing/snapshots", Json::object()).status, 404);
}

TEST_F(Lifecycle, ALifeIsLimitedAsAWhole) {
  start_server({"--max-hours", "1"});
  const SandboxHandle sandbox = create(base(3600));
  server_->jump_clock(1'800'000);
  const std::string path = "/sandboxes/" + sandbox.id, at_most = api("GET", path).json()["endAt"].as_string();
  EXPECT_EQ(api("POST", path + "/timeout", Json::object({{"timeout", 3600}})).status, 204);
  EXPECT_EQ(api("GET", path).json()["endAt"].as_string(), at_most);
  EXPECT_EQ(api("POST", "/v2" + path + "/connect", Json::object({{"timeout", 3600}})).status, 200);
  EXPECT_EQ(api("GET", path).json()["endAt"].as_string(), at_most);
  EXPECT_EQ(api("POST", "/v2" + path + "/connect", Json::object({{"timeout", 3601}})).status, 400);
  EXPECT_EQ(api("POST", "/v2/sandboxes", base(3601)).status, 400);
}

TEST_F(Lifecycle, ACreateIsCheckedFieldByField) {
  start_server();
  for (const char* wrong :
       {R"({"templateID":"base","timeout":"5"})", R"({"templateID":"base","metadata":[]})",
        R"({"templateID":"base","envVars":{"A":1}})", R"({"templateID":"base","secure":1})", R"({"templateID":"B@se"})",
        R"({"templateID":"base","volumeMounts":[{"name":"v","path":"/v"}]})",
        R"({"templateID":"base","network":{"denyOut":"0.0.0.0/0"}})", R"([])", R"({"templateID":)"})
    EXPECT_EQ(
        HttpClient(server_->url()).request("POST", "/v2/sandboxes", {{"x-api-key", server_->api_key()}}, wrong).status,
        400)
        << wrong;
  EXPECT_EQ(create(parsed(R"({"templateID":" BASE ","unknown":{"ignored":true}})")).id.size(), 21u);
}

TEST_F(Lifecycle, EveryRouteSaysWhatIsLeftOfItsRateAndThenRefuses) {
  start_server({"--rate-limit", "3"});
  for (int left = 2; left >= 0; --left) {
    const HttpAnswer answer = api("GET", "/v2/sandboxes");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.header("ratelimit-limit"), "3");
    EXPECT_EQ(answer.header("ratelimit-remaining"), std::to_string(left));
  }
  const HttpAnswer refused = api("GET", "/v2/sandboxes");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.json()["message"].as_string(), "Rate limit exceeded");
  EXPECT_GE(std::atoi(refused.header("retry-after").c_str()), 1);
  EXPECT_EQ(api("GET", "/sandboxes").status, 200) << "another route";
}

TEST_F(Lifecycle, TheConcurrencyLimitIsA429WithoutRetryAfter) {
  start_server({"--max-sandboxes", "1"});
  const SandboxHandle first = create();
  const HttpAnswer refused = api("POST", "/v2/sandboxes", base());
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.header("retry-after"), "");
  EXPECT_EQ(api("DELETE", "/sandboxes/" + first.id).status, 204);
  EXPECT_EQ(api("DELETE", "/sandboxes/" + first.id).json()["code"].as_int(), 404);
  EXPECT_EQ(api("POST", "/v2/sandboxes", base()).status, 201);
}

TEST_F(Lifecycle, ManySandboxesComeAndGoAndLeaveNothing) {
  start_server();
  std::vector<std::thread> users;
  for (int user = 0; user < 4; ++user)
    users.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        const SandboxHandle sandbox = create();
        EXPECT_EQ(run(sandbox, "setsid sleep 100 >/dev/null 2>&1 & echo $E2B_SANDBOX_ID").out, sandbox.id + "\n");
        EXPECT_EQ(api("DELETE", "/sandboxes/" + sandbox.id).status, 204);
      }
    });
  for (std::thread& user : users) user.join();
  EXPECT_EQ(server_->stats()["created"].as_int(), 40);
  EXPECT_EQ(server_->stats()["live"].as_int(), 0);
  EXPECT_TRUE(std::filesystem::is_empty(server_->data() / "sandboxes"));
}

TEST_F(Lifecycle, SigtermKillsEverySandbox) {
  start_server();
  const SandboxHandle sandbox = create();
  EventStream stream(sandbox, "process.Process/Start", shell("sleep 1000"));
  ASSERT_GT(stream.pid(), 0);
  const pid_t first = static_cast<pid_t>(server_->sandboxes().items()[0]["hostPid"].as_int());
  EXPECT_EQ(server_->stop(), 0);
  EXPECT_NE(::kill(first, 0), 0);
  EXPECT_TRUE(stream.finish().was_reset);
}

TEST_F(Lifecycle, SigtermEndsAlsoInTheMiddleOfAnInjectedStall) {
  start_server();
  ASSERT_TRUE(server_
                  ->set_faults(parsed(
                      R"([{"route":"GET /v2/sandboxes","action":{"type":"stall","when":"request","ms":100000000}}])"))
                  .ok());
  HttpClient stuck(server_->url());
  ASSERT_TRUE(stuck.send("GET", "/v2/sandboxes", {{"x-api-key", server_->api_key()}}, ""));
  ASSERT_TRUE(eventually([&] { return server_->faults().items()[0]["hits"].as_int() == 1; }));
  EXPECT_EQ(server_->stop(), 0);
}

TEST_F(Lifecycle, SigkillLeavesNoProcessEither) {
  start_server();
  const SandboxHandle sandbox = create();
  const std::string mark = "8" + std::to_string(::getpid());
  run(sandbox, "for i in 1 2 3; do setsid nohup sleep " + mark + " >/dev/null 2>&1 & done");
  ASSERT_TRUE(eventually([&] { return count_processes("sleep", mark) == 3; }));
  const pid_t first = static_cast<pid_t>(server_->sandboxes().items()[0]["hostPid"].as_int());
  ::kill(server_->pid(), SIGKILL);
  EXPECT_EQ(server_->stop(), 128 + SIGKILL);
  EXPECT_TRUE(eventually([&] { return ::kill(first, 0) != 0 && count_processes("sleep", mark) == 0; }));
  server_.reset();
}

TEST_F(Lifecycle, MetricsAndLogsTellOfTheSandbox) {
  start_server();
  const SandboxHandle sandbox = create();
  run(sandbox, "true");
  const Json sample = api("GET", "/sandboxes/" + sandbox.id + "/metrics").json().items()[0];
  EXPECT_EQ(sample["memTotal"].as_int(), 512 << 20);
  EXPECT_EQ(envd(sandbox, "GET", "/metrics").json()["cpu_count"].as_int(), 2);
  EXPECT_EQ(api("GET", "/sandboxes/metrics?sandbox_ids=" + sandbox.id).json()["sandboxes"].size(), 1u);
  const Json logs = api("GET", "/v2/sandboxes/" + sandbox.id + "/logs?search=started").json()["logs"];
  ASSERT_EQ(logs.size(), 1u);
  EXPECT_EQ(api("GET", "/sandboxes/inothing/logs").status, 404);
  EXPECT_EQ(api("GET", "/sandboxes/inothing/metrics").status, 404);
}

TEST_F(Lifecycle, InjectedDelaysDoNotChangeAnswers) {
  start_server({"--create-ms", "50", "--rtt-ms", "10"});
  const SandboxHandle sandbox = create();
  EXPECT_EQ(run(sandbox, "seq 3").out, "1\n2\n3\n");
}

}  // namespace
}  // namespace osiris::e2b_server
