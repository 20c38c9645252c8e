// The e2b adapter through `osiris run`: how few calls it takes, what travels, and that nothing stays.
#include <gtest/gtest.h>
#include <signal.h>

#include <set>

#include "protocol/base/redact.h"
#include "protocol/base/text.h"
#include "tests/e2b/sandboxed_project.h"
#include "tests/support/eventually.h"
#include "tests/unit/base/secret_field_names.h"

namespace osiris::e2b_test {
namespace {

class E2bRun : public testing::Test {
 protected:
  E2bRun() { use_server(project, server); }

  void write_steps(int count) {
    std::vector<std::string> steps;
    for (int i = 0; i < count; ++i) steps.push_back(e2e::mock_step("s" + std::to_string(i), "rows: 1"));
    project.write("pipeline.yaml", e2e::oml("many", steps));
  }

  // Calls to routes of the service, in the order in which they arrived.
  std::vector<std::string> routes() const {
    std::vector<std::string> out;
    const Json recorded = server.requests_by_arrival();
    for (const Json& request : recorded.items()) out.push_back(request["route"].as_string());
    return out;
  }

  uint64_t uploaded() const {
    for (const Json& event : Project::events(project.session(), "package_uploaded")) return event["bytes"].as_uint();
    return 0;
  }

  ServerProcess server = start_server();
  Project project;
};

TEST_F(E2bRun, TakesAtMostEightCallsForAnyNumberOfSteps) {
  for (const int steps : {1, 3, 40}) {
    write_steps(steps);
    server.clear_requests();
    const Outcome outcome = project.osiris(run_arguments("e2b"));
    ASSERT_EQ(outcome.exit, 0) << outcome.err;
    EXPECT_LE(routes().size(), 8u) << join(routes(), "\n");
    EXPECT_EQ(Project::events(project.session(), "step_complete").size(), static_cast<size_t>(steps));
    expect_no_sandbox(server);
  }
}

TEST_F(E2bRun, ReachesTheFirstStepAfterFourCalls) {
  write_steps(1);
  ASSERT_EQ(project.osiris(run_arguments("e2b")).exit, 0);
  const std::vector<std::string> calls = routes();
  ASSERT_GE(calls.size(), 4u);
  EXPECT_EQ(calls[0], "POST /v2/sandboxes");
  // The process starts while its files are on their way.
  EXPECT_EQ((std::set<std::string>{calls[1], calls[2]}),
            (std::set<std::string>{"POST /files", "POST /process.Process/Start"}));
  EXPECT_EQ(calls[3], "POST /process.Process/StreamInput");
}

TEST_F(E2bRun, VerifiesThatTheSandboxIsGone) {
  write_steps(1);
  ASSERT_EQ(project.osiris(run_arguments("e2b")).exit, 0);
  const auto killed = Project::events(project.session(), "sandbox_killed");
  ASSERT_EQ(killed.size(), 1u);
  EXPECT_TRUE(killed[0]["verified"].as_bool());
  EXPECT_EQ(routes().back(), "GET /sandboxes/{id}");
}

TEST_F(E2bRun, SendsNoSecretButOnceOnStandardInput) {
  const std::string secret = "canary-7f3a9c1d";
  project.set("SHOP_PASSWORD", secret);
  std::string connection = "connections:\n  mock:\n    shop:\n";
  for (const std::string name : kSecretFieldNames) connection += "      " + name + ": ${SHOP_PASSWORD}\n";
  project.write("osiris_connections.yaml", connection, 0600);
  project.write("pipeline.yaml", e2e::oml("secrets", {e2e::mock_step("a", "rows: 1, connection: \"@mock.shop\"")}));
  const Outcome outcome = project.osiris(run_arguments("e2b", {"--e2b-pass-env", "SHOP_PASSWORD"}));
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  int in_input = 0;
  const Json recorded = server.requests();
  for (const Json& request : recorded.items()) {
    const std::string text = request.dump();
    const bool is_input = request["route"].as_string().find("StreamInput") != std::string::npos;
    bool found = false;
    for (const std::string& form : {secret, percent_encode(secret), to_hex(secret)})
      found |= text.find(form) != std::string::npos;
    // Base64 of a text around it: any alignment of its middle.
    for (size_t shift = 0; shift < 3; ++shift)
      found |= text.find(base64(std::string_view(secret).substr(shift, 12)).substr(0, 12)) != std::string::npos;
    if (is_input)
      in_input += found;
    else
      EXPECT_FALSE(found) << text;
  }
  EXPECT_EQ(in_input, 1);
  const std::string log = server.logs();
  EXPECT_NE(log.find("Process streamInput"), std::string::npos) << log;
  for (const std::string& form : secret_spellings(secret))
    EXPECT_EQ(log.find(form), std::string::npos) << "envd's log, which the service keeps, has it: " << log;
  for (const auto& [path, content] : project.tree()) EXPECT_EQ(content.find(secret), std::string::npos) << path;
  EXPECT_EQ((outcome.out + outcome.err).find(secret), std::string::npos);
}

// By status, as a proxy or an older envd refuses an unknown call, or by its code.
TEST_F(E2bRun, AServiceWithoutAStreamForInputGetsNoSecretByAnotherCall) {
  project.set("SHOP_PASSWORD", "canary-7f3a9c1d");
  project.write("pipeline.yaml", e2e::oml("secrets", {e2e::mock_step("a", "rows: 1")}));
  for (const char* answer :
       {R"("status":404,"text":"404 page not found")", R"("status":405)", R"("status":501,"code":"unimplemented")"}) {
    server.clear_requests();
    ASSERT_TRUE(
        server
            .set_faults(*parse_json(R"({"faults":[{"route":"process.Process/StreamInput","action":{"type":"status",)" +
                                    std::string(answer) + "}}]}"))
            .ok());
    const Outcome outcome = project.osiris(run_arguments("e2b", {"--e2b-pass-env", "SHOP_PASSWORD"}));
    EXPECT_EQ(outcome.exit, 3) << answer;
    EXPECT_NE(outcome.err.find("takes no process input as a stream"), std::string::npos) << outcome.err;
    EXPECT_EQ(server.count("POST /process.Process/StreamInput"), 1);
    EXPECT_EQ(server.count("POST /process.Process/SendInput"), 0);
    for (const std::string& form : secret_spellings("canary-7f3a9c1d"))
      EXPECT_EQ(server.logs().find(form), std::string::npos);
    expect_no_sandbox(server);
  }
}

// The debug log, of a service whose answers repeat what was sent to it and whose JSON has blanks.
TEST_F(E2bRun, TheWireLogMasksKeysAndTokensByTheirValue) {
  write_steps(1);
  const std::string key = server.api_key();
  const Json action = Json::object(
      {{"type", "status"}, {"status", 400}, {"text", "you sent X-API-Key: " + key + ", in base64 " + base64(key)}});
  ASSERT_TRUE(server
                  .set_faults(Json::object(
                      {{"faults", Json::array({Json::object({{"route", "POST /v2/sandboxes"}, {"action", action}})})}}))
                  .ok());
  EXPECT_EQ(project.osiris(run_arguments("e2b", {"--e2b-debug"})).exit, 3);
  const std::string log = project.read(project.session() / "adapter/e2b-wire.log");
  EXPECT_NE(log.find("HTTP 400"), std::string::npos) << log;
  for (const std::string& form : secret_spellings(key)) EXPECT_EQ(log.find(form), std::string::npos) << log;
}

TEST_F(E2bRun, AnErrorBodyOfAMegabyteIsCutForTheTerminalAndWholeInTheSession) {
  write_steps(1);
  const std::string body = "no\x1b[2J\u202e room " + std::string(1'000'000, 'x') + " its end";
  const Json action = Json::object({{"type", "status"}, {"status", 400}, {"message", body}});
  ASSERT_TRUE(server
                  .set_faults(Json::object(
                      {{"faults", Json::array({Json::object({{"route", "POST /v2/sandboxes"}, {"action", action}})})}}))
                  .ok());
  const Outcome outcome = project.osiris(run_arguments("e2b"));
  EXPECT_EQ(outcome.exit, 3);
  EXPECT_LT(outcome.err.size() + outcome.out.size(), 8'000u);
  EXPECT_NE(outcome.err.find("bytes more"), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.err.find("\x1b[2J"), std::string::npos);
  EXPECT_EQ(outcome.err.find("\u202e"), std::string::npos);
  EXPECT_NE(project.read(project.session() / "events.jsonl").find("x its end"), std::string::npos);
  const Outcome json = project.osiris(run_arguments("e2b", {"--json"}));
  EXPECT_NE(json.json()["error"]["message"].as_string().find("x its end"), std::string::npos);
  EXPECT_EQ(json.out.find("\u202e"), std::string::npos) << "escaped";
}

TEST_F(E2bRun, KeepsTheApiKeyOutOfTheSandboxAndTheSession) {
  write_steps(1);
  ASSERT_EQ(project.osiris(run_arguments("e2b", {"--e2b-debug", "--verbose"})).exit, 0);
  const Json recorded = server.requests();
  for (const Json& request : recorded.items())
    EXPECT_EQ(request["body"].dump().find(server.api_key()), std::string::npos);
  for (const auto& [path, content] : project.tree())
    EXPECT_EQ(content.find(server.api_key()), std::string::npos) << path;
}

TEST_F(E2bRun, AWrongKeyIsAnAuthError) {
  write_steps(1);
  project.set("E2B_API_KEY", "e2b_ffffffffffffffffffffffffffffffffffffffff");
  const Outcome outcome = project.osiris(run_arguments("e2b"));
  EXPECT_EQ(outcome.exit, 3);
  EXPECT_NE(outcome.err.find("E2B_API_KEY"), std::string::npos) << outcome.err;
}

TEST_F(E2bRun, NoKeyAtAllSaysWhereToPutIt) {
  write_steps(1);
  project.set("E2B_API_KEY", "");
  const Outcome outcome = project.osiris(run_arguments("e2b"));
  EXPECT_EQ(outcome.exit, 3);
  EXPECT_NE(outcome.err.find("E2B_API_KEY"), std::string::npos) << outcome.err;
}

TEST_F(E2bRun, OneThatWasRefusedHoldsNothingAndCanBeCleaned) {
  write_steps(1);
  project.set("OSIRIS_RETENTION_RUN_LOGS_DAYS", "0");
  for (const char* key : {"", "e2b_ffffffffffffffffffffffffffffffffffffffff"}) {
    project.set("E2B_API_KEY", key);
    ASSERT_EQ(project.osiris(run_arguments("e2b")).exit, 3);
    ASSERT_EQ(project.sessions().size(), 1u);
    const Outcome cleaned = project.osiris({"clean"});
    EXPECT_EQ(cleaned.exit, 0) << cleaned.err;
    EXPECT_EQ(project.sessions().size(), 0u) << cleaned.out;
  }
}

TEST_F(E2bRun, AnUnknownTemplateIsNamed) {
  write_steps(1);
  const Outcome outcome = project.osiris(run_arguments("e2b", {"--e2b-template", "no-such-template"}));
  EXPECT_EQ(outcome.exit, 3);
  EXPECT_NE(outcome.err.find("no-such-template"), std::string::npos) << outcome.err;
  expect_no_sandbox(server);
}

TEST_F(E2bRun, AGpuIsRefusedWithTheLimits) {
  write_steps(1);
  const Outcome outcome = project.osiris(run_arguments("e2b", {"--e2b-gpu", "1"}));
  EXPECT_EQ(outcome.exit, 3) << outcome.err;
  EXPECT_NE(outcome.err.find("8 CPUs"), std::string::npos) << outcome.err;
  EXPECT_EQ(routes().size(), 0u);
}

TEST_F(E2bRun, AnOddNumberOfCpusIsRefusedBeforeAnyCall) {
  write_steps(1);
  const Outcome outcome = project.osiris(run_arguments("e2b", {"--e2b-cpu", "3"}));
  EXPECT_EQ(outcome.exit, 2) << outcome.err;
  EXPECT_NE(outcome.err.find("even number"), std::string::npos) << outcome.err;
  EXPECT_EQ(routes().size(), 0u);
}

TEST_F(E2bRun, AShapeIsBuiltOnceAndFoundAgain) {
  write_steps(1);
  const std::vector<std::string> shape = {"--e2b-cpu", "4", "--e2b-mem", "2"};
  Outcome outcome = project.osiris(run_arguments("e2b", shape));
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  auto built = Project::events(project.session(), "template_built");
  ASSERT_EQ(built.size(), 1u);
  EXPECT_TRUE(built[0]["built"].as_bool());
  outcome = project.osiris(run_arguments("e2b", shape));
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  built = Project::events(project.session(), "template_built");
  ASSERT_EQ(built.size(), 1u);
  EXPECT_FALSE(built[0]["built"].as_bool());
  EXPECT_LE(uploaded(), 64u * 1024) << "the worker is in the template";

  const Outcome listed = project.osiris({"resources", "list", "--adapter", "e2b", "--kind", "template", "--json"});
  ASSERT_EQ(listed.exit, 0) << listed.err;
  ASSERT_EQ(listed.json()["resources"].size(), 1u) << listed.out;
  const std::string id = listed.json()["resources"].items()[0]["id"].as_string();
  EXPECT_EQ(project.osiris({"resources", "release", id, "--kind", "template", "--adapter", "e2b"}).exit, 0);
  EXPECT_EQ(project.osiris({"resources", "list", "--adapter", "e2b", "--kind", "template", "--json"})
                .json()["resources"]
                .size(),
            0u);
}

TEST_F(E2bRun, AKeptSandboxIsReusedWithoutSendingTheWorker) {
  write_steps(1);
  Outcome outcome = project.osiris(run_arguments("e2b", {"--e2b-keep"}));
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(server.sandboxes().size(), 1u);
  outcome = project.osiris(run_arguments("e2b", {"--e2b-keep"}));
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(server.count("POST /v2/sandboxes"), 1);
  EXPECT_LE(uploaded(), 64u * 1024);
  const Outcome listed = project.osiris({"resources", "list", "--adapter", "e2b", "--kind", "sandbox", "--json"});
  ASSERT_EQ(listed.json()["resources"].size(), 1u) << listed.out << listed.err;
}

TEST_F(E2bRun, WithoutConnectionsTheSandboxReachesNothing) {
  write_steps(1);
  ASSERT_EQ(project.osiris(run_arguments("e2b")).exit, 0);
  const Json recorded = server.requests();
  int created = 0;
  for (const Json& request : recorded.items()) {
    if (request["route"].as_string() != "POST /v2/sandboxes") continue;
    ++created;
    EXPECT_EQ(request["body"]["allow_internet_access"], Json(false)) << request["body"].dump();
    EXPECT_FALSE(request["body"].contains("network")) << request["body"].dump();
  }
  EXPECT_EQ(created, 1);
}

TEST_F(E2bRun, ALoopbackConnectionIsRefusedWithTheReason) {
  project.write("osiris_connections.yaml",
                "version: 1\nconnections:\n  mysql:\n    db: {default: true, host: 127.0.0.1, database: d, user: u, "
                "password: \"${DB_PASSWORD}\"}\n",
                0600);
  project.set("DB_PASSWORD", "does-not-matter");
  project.write("pipeline.yaml", e2e::oml("db", {"  - id: pull\n    component: mysql.extractor\n    mode: read\n    "
                                                 "config: {connection: \"@mysql.db\", query: \"SELECT 1\"}\n"}));
  const Outcome outcome = project.osiris(run_arguments("e2b"));
  EXPECT_EQ(outcome.exit, 2) << outcome.err;
  EXPECT_NE(outcome.err.find("127.0.0.1"), std::string::npos) << outcome.err;
  EXPECT_EQ(routes().size(), 0u);
}

TEST_F(E2bRun, ALostCreateReplyIsFoundAgainByItsMetadata) {
  write_steps(1);
  ASSERT_TRUE(
      server
          .set_faults(*parse_json(
              R"({"faults":[{"route":"POST /v2/sandboxes","nth":1,"action":{"type":"reset","when":"before"}}]})"))
          .ok());
  const Outcome outcome = project.osiris(run_arguments("e2b"));
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  expect_no_sandbox(server);
}

TEST_F(E2bRun, ABrokenStreamIsResumedWithoutLosingOrDoublingARecord) {
  project.write("pipeline.yaml", e2e::oml("flood", {e2e::mock_step("a", "events: 5000, sleep_ms: 300"),
                                                    e2e::mock_step("b", "events: 5000", "a")}));
  ASSERT_TRUE(
      server
          .set_faults(*parse_json(
              R"({"faults":[{"route":"process.Process/Start","nth":1,"action":{"type":"reset","when":"middle","after_bytes":60000}},
                    {"route":"process.Process/Connect","nth":1,"action":{"type":"reset","when":"middle","after_bytes":90000}}]})"))
          .ok());
  const Outcome outcome = project.osiris(run_arguments("e2b"));
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_GE(server.count("POST /process.Process/Connect"), 1);
  std::map<std::string, std::vector<int64_t>> numbers;
  for (const Json& event : Project::events(project.session(), "mock_event"))
    numbers[event["step_id"].as_string()].push_back(event["number"].as_int());
  for (const char* step : {"a", "b"}) {
    ASSERT_EQ(numbers[step].size(), 5000u) << step;
    for (size_t i = 1; i < numbers[step].size(); ++i) ASSERT_EQ(numbers[step][i], numbers[step][i - 1] + 1) << step;
  }
  expect_no_sandbox(server);
}

TEST_F(E2bRun, AVanishedSandboxIsReplacedOnce) {
  project.write("pipeline.yaml", e2e::oml("vanish", {e2e::mock_step("a", "sleep_ms: 200, rows: 1")}));
  ASSERT_TRUE(
      server
          .set_faults(*parse_json(
              R"({"faults":[{"route":"process.Process/StreamInput","nth":1,"action":{"type":"kill_sandbox","when":"after"}}]})"))
          .ok());
  const Outcome outcome = project.osiris(run_arguments("e2b"));
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(Project::events(project.session(), "sandbox_replaced").size(), 1u);
  expect_no_sandbox(server);
}

TEST_F(E2bRun, CancelReleasesTheSandboxAtOnce) {
  project.write("pipeline.yaml", e2e::oml("hang", {e2e::mock_step("a", "hang: politely")}));
  auto running = project.start(run_arguments("e2b"));
  running.until("a: Starting");
  running.kill(SIGINT);
  EXPECT_EQ(running.end().exit, 130);
  expect_no_sandbox(server);
}

TEST_F(E2bRun, TheDeadlineReleasesTheSandbox) {
  project.write("pipeline.yaml", e2e::oml("hang", {e2e::mock_step("a", "hang: deaf")}));
  EXPECT_EQ(project.osiris(run_arguments("e2b", {"--e2b-timeout", "2"})).exit, 124);
  expect_no_sandbox(server);
}

TEST_F(E2bRun, AKilledHostLeavesNothingAfterOneLeaseAndReapFindsIt) {
  project.write("pipeline.yaml", e2e::oml("hang", {e2e::mock_step("a", "hang: politely")}));
  auto running = project.start(run_arguments("e2b", {"--e2b-lease", "600"}));
  running.until("a: Starting");
  running.kill(SIGKILL);
  running.end();
  ASSERT_EQ(server.sandboxes().size(), 1u);
  const Outcome reaped = project.osiris({"resources", "reap", "--adapter", "e2b", "--json"});
  EXPECT_EQ(reaped.exit, 0) << reaped.err;
  expect_no_sandbox(server);
}

TEST_F(E2bRun, TheLeaseOfAKilledHostRunsOut) {
  project.write("pipeline.yaml", e2e::oml("hang", {e2e::mock_step("a", "hang: politely")}));
  auto running = project.start(run_arguments("e2b", {"--e2b-lease", "60"}));
  running.until("a: Starting");
  running.kill(SIGKILL);
  running.end();
  server.jump_clock(61'000);
  EXPECT_TRUE(test::eventually([&] { return server.sandboxes().size() == 0; })) << server.sandboxes().dump_pretty();
}

}  // namespace
}  // namespace osiris::e2b_test
