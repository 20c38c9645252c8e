// Services of different ages and moods: both generations of the API, lost creates with and without Idempotency-Key,
// trouble before anything has happened, and plans that end a sandbox.
#include <gtest/gtest.h>

#include <set>

#include "tests/e2b/sandboxed_project.h"

namespace osiris::e2b_test {
namespace {

class Service : public testing::Test {
 protected:
  void start(const std::vector<std::string>& arguments = {}) {
    server.emplace(start_server(arguments));
    use_server(project, *server);
    project.write("pipeline.yaml", e2e::oml("one", {e2e::mock_step("a", "write: out.txt, text: hello, rows: 3")}));
  }
  void plan(const std::string& faults) { ASSERT_TRUE(server->set_faults(*parse_json(faults)).ok()) << faults; }
  Outcome run(const std::vector<std::string>& more = {}) { return project.osiris(run_arguments("e2b", more)); }
  void expect_success(const Outcome& outcome) {
    EXPECT_EQ(outcome.exit, 0) << outcome.err << project.read(project.session() / "osiris.log");
    EXPECT_EQ(project.read("out.txt"), "hello");
    expect_no_sandbox(*server);
  }
  // Requests in the order of arrival whose route fits; their recorded documents.
  std::vector<Json> requests(const std::string& method, const std::string& part) const {
    std::vector<Json> found;
    const Json recorded = server->requests_by_arrival();
    for (const Json& request : recorded.items())
      if (request["method"].as_string() == method && request["target"].as_string().find(part) != std::string::npos)
        found.push_back(request);
    return found;
  }
  Json error_detail() const {
    const auto errors = Project::events(project.session(), "run_error");
    return errors.empty() ? Json() : errors.back()["detail"];
  }
  std::vector<Json> events(const std::string& name) const { return Project::events(project.session(), name); }

  std::optional<ServerProcess> server;
  Project project;
};

// ---- Both generations of the API

class OlderService : public Service, public testing::WithParamInterface<const char*> {};

TEST_P(OlderService, ARunGoesThroughAndTheGenerationIsRemembered) {
  start({"--api", GetParam()});
  expect_success(run());
  EXPECT_EQ(requests("POST", "/v2/sandboxes").size(), 1u);
  ASSERT_EQ(server->count("POST /sandboxes"), 1);
  const Json body = requests("POST", "/sandboxes").back()["body"];
  EXPECT_TRUE(body["secure"].as_bool()) << body.dump();
  EXPECT_FALSE(body["autoPause"].as_bool(true)) << "a default of pausing would keep lost sandboxes for ever";
}

TEST_P(OlderService, AKeptSandboxIsFoundAndConnectedTo) {
  start({"--api", GetParam()});
  ASSERT_EQ(run({"--e2b-keep"}).exit, 0);
  ASSERT_EQ(run({"--e2b-keep"}).exit, 0);
  EXPECT_TRUE(events("sandbox_created").at(0)["reused"].as_bool());
  EXPECT_EQ(server->count("POST /sandboxes/{id}/connect"), 1);
  EXPECT_EQ(server->count("POST /sandboxes"), 1);
}

TEST_P(OlderService, ALostCreateIsFoundByItsMetadataAndConnectedTo) {
  start({"--api", GetParam()});
  plan(R"([{"route":"POST /sandboxes","nth":1,"action":{"type":"reset","when":"before"}}])");
  expect_success(run());
  EXPECT_EQ(server->count("POST /sandboxes"), 1);
  EXPECT_EQ(server->count("POST /sandboxes/{id}/connect"), 1);
  EXPECT_EQ(requests("POST", "/v2/sandboxes").size(), 1u) << "that the newer calls are unknown is remembered";
}

TEST_P(OlderService, ATemplateIsBuiltListedAndRemoved) {
  start({"--api", GetParam()});
  expect_success(run({"--e2b-cpu", "4"}));
  const Outcome listed = project.osiris({"resources", "list", "--adapter", "e2b", "--json"});
  ASSERT_EQ(listed.exit, 0) << listed.err;
  ASSERT_EQ(listed.json()["resources"].size(), 1u) << listed.out;
  const std::string id = listed.json()["resources"].items()[0]["id"].as_string();
  EXPECT_EQ(project.osiris({"resources", "release", id, "--kind", "template", "--adapter", "e2b"}).exit, 0);
}

TEST_P(OlderService, AnUnknownTemplateIsStillCalledUnknown) {
  start({"--api", GetParam()});
  const Outcome outcome = run({"--e2b-template", "no-such-template"});
  EXPECT_EQ(outcome.exit, 3);
  EXPECT_EQ(error_detail()["class"].as_string(), "NotFound") << outcome.err;
  EXPECT_NE(outcome.err.find("no-such-template"), std::string::npos) << outcome.err;
}

INSTANTIATE_TEST_SUITE_P(Each, OlderService, testing::Values("v1-400", "v1-404", "v1-405"),
                         [](const auto& each) { return "Answers" + std::string(each.param + 3); });

TEST_F(Service, TheNewestIsAskedNothingOfTheOlder) {
  start();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(run({"--e2b-keep", "--e2b-cpu", "4"}).exit, 0);
  EXPECT_EQ(project.osiris({"resources", "list", "--adapter", "e2b"}).exit, 0);
  for (const char* route :
       {"POST /sandboxes", "POST /sandboxes/{id}/connect", "GET /sandboxes", "GET /templates", "POST /v2/templates"})
    EXPECT_EQ(server->count(route), 0) << route;
}

TEST_F(Service, ATemplateThatDoesNotExistIsNoReasonToTryTheOlderCall) {
  start();
  EXPECT_EQ(run({"--e2b-template", "no-such-template"}).exit, 3);
  EXPECT_EQ(server->count("POST /sandboxes"), 0);
}

TEST_F(Service, WhatIsNoServiceOfE2bsAtAllIsSaid) {
  start();
  plan(R"([{"route":"POST *sandboxes","action":{"type":"status","status":404,"text":"<html>nothing here</html>"}}])");
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit, 3);
  EXPECT_NE(outcome.err.find("nothing here"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("Check --e2b-api-url"), std::string::npos) << outcome.err;
}

// ---- Idempotency-Key, Should-Retry, and the codes that come with them

constexpr const char* kLostCreate =
    R"([{"route":"POST /v2/sandboxes","nth":1,"action":{"type":"reset","when":"before"}}])";

TEST_F(Service, ALostCreateIsMadeAgainWithItsKeyAndNothingIsLookedFor) {
  start();
  plan(kLostCreate);
  expect_success(run());
  const auto creates = requests("POST", "/v2/sandboxes");
  ASSERT_EQ(creates.size(), 3u) << "lost, made again, and asked once more whether the key is honoured";
  std::set<std::string> keys;
  for (const Json& create : creates) keys.insert(create["headers"]["idempotency-key"].as_string());
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ(keys.begin()->size(), 32u);
  EXPECT_EQ(keys.begin()->find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(server->count("GET /v2/sandboxes"), 0);
  EXPECT_EQ(server->stats()["created"].as_int(), 1);
}

TEST_F(Service, AGatewaysTimeoutOfACreateIsMetTheSameWay) {
  start();
  plan(
      R"([{"route":"POST /v2/sandboxes","nth":1,"action":{"type":"status","status":504,"text":"upstream request timeout"}}])");
  expect_success(run());
  EXPECT_EQ(server->count("POST /v2/sandboxes"), 3);
  EXPECT_EQ(server->count("GET /v2/sandboxes"), 0);
}

TEST_F(Service, AServiceThatIgnoresTheKeyIsFoundOutAndItsDoublesAreReleasedAtOnce) {
  start({"--idempotency", "ignored"});
  plan(kLostCreate);
  const Outcome outcome = run();
  expect_success(outcome);
  EXPECT_EQ(server->stats()["created"].as_int(), 3);
  const auto killed = events("sandbox_killed");
  ASSERT_EQ(killed.size(), 3u);
  const auto uploaded = events("package_uploaded");
  ASSERT_EQ(uploaded.size(), 1u);
  EXPECT_LT(killed[1]["ts"].as_string(), uploaded[0]["ts"].as_string()) << "they cost money while the run goes on";
}

TEST_F(Service, ACreateThatIsStillUnderWayIsWaitedFor) {
  start({"--create-ms", "2500"});
  // The first one goes on at the service although its answer can no longer come.
  expect_success(run({"--e2b-create-timeout", "1", "--e2b-retry-budget", "20"}));
  EXPECT_EQ(server->stats()["created"].as_int(), 1);
  EXPECT_EQ(server->count("GET /v2/sandboxes"), 0);
}

TEST_F(Service, AnUnknownOutcomeIsLookedForAndThenMadeAnewWithAnotherKey) {
  start();
  plan(
      R"([{"route":"POST /v2/sandboxes","nth":1,"action":{"type":"status","status":409,"error_code":"idempotency_outcome_unknown","should_retry":"false"}}])");
  expect_success(run());
  const auto creates = requests("POST", "/v2/sandboxes");
  ASSERT_EQ(creates.size(), 2u);
  EXPECT_NE(creates[0]["headers"]["idempotency-key"].as_string(), creates[1]["headers"]["idempotency-key"].as_string());
  EXPECT_GE(server->count("GET /v2/sandboxes"), 1);
}

TEST_F(Service, AMismatchIsAnError) {
  start();
  plan(
      R"([{"route":"POST /v2/sandboxes","action":{"type":"status","status":422,"error_code":"idempotency_request_mismatch","should_retry":"false"}}])");
  EXPECT_EQ(run().exit, 3);
  EXPECT_EQ(error_detail()["class"].as_string(), "SandboxError");
  EXPECT_EQ(server->count("POST /v2/sandboxes"), 1);
}

TEST_F(Service, ACreateThatIsRefusedForGoodIsNotRepeated) {
  start();
  plan(
      R"([{"route":"POST /v2/sandboxes","action":{"type":"status","status":500,"error_code":"sandbox_create_refused"}}])");
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit, 3);
  EXPECT_NE(outcome.err.find("No retry changes it"), std::string::npos) << outcome.err;
  EXPECT_EQ(server->count("POST /v2/sandboxes"), 1);
  EXPECT_EQ(server->count("GET /v2/sandboxes"), 0) << "nothing was made";
}

TEST_F(Service, AServiceThatSaysNotToRetryIsNotAskedAgain) {
  start();
  plan(R"([{"route":"POST /v2/sandboxes","action":{"type":"status","status":503,"should_retry":"false"}}])");
  EXPECT_EQ(run().exit, 3);
  EXPECT_EQ(server->count("POST /v2/sandboxes"), 1);
}

TEST_F(Service, EveryCreateSaysThatItsSandboxIsNotToBePaused) {
  start();
  expect_success(run());
  const Json body = requests("POST", "/v2/sandboxes").at(0)["body"];
  EXPECT_TRUE(body["autoPause"].is_bool());
  EXPECT_FALSE(body["autoPause"].as_bool());
}

// ---- Nothing has happened before the opening is sent

class Beginning : public Service, public testing::WithParamInterface<const char*> {};

TEST_P(Beginning, OneRefusalOrBreakIsMetInAFreshSandbox) {
  start();
  const std::string route = std::string(GetParam());
  for (const char* action :
       {R"({"type":"status","status":502,"text":"<html>502 Bad Gateway</html>"})",
        R"({"type":"status","status":502,"message":"The sandbox was not found"})", R"({"type":"status","status":429})",
        R"({"type":"reset","when":"request"})", R"({"type":"reset","when":"before"})",
        R"({"type":"reset","when":"middle","after_bytes":1})"}) {
    if (route == "POST /files" && std::string(action).find("middle") != std::string::npos)
      continue;  // its answer is read or not: either is well
    plan(R"([{"route":")" + route + R"(","nth":1,"action":)" + action + "}]");
    expect_success(run());
    // libcurl sends a request again itself when a kept connection breaks before a byte of the answer.
    const bool resent =
        std::string(action).find("\"request\"") != std::string::npos && events("sandbox_replaced").empty();
    EXPECT_TRUE(resent || events("sandbox_replaced").size() == 1) << route << " " << action;
  }
}

TEST_P(Beginning, TroubleThatLastsIsMetAsLongAsTheRetryBudgetSays) {
  start();
  plan(R"([{"route":")" + std::string(GetParam()) + R"(","count":4,"action":{"type":"status","status":503}}])");
  expect_success(run({"--e2b-retry-budget", "60"}));
  EXPECT_EQ(events("sandbox_replaced").size(), 4u);
}

TEST_P(Beginning, WithoutABudgetItIsAnErrorAndNothingIsLeft) {
  start();
  plan(R"([{"route":")" + std::string(GetParam()) + R"(","action":{"type":"status","status":503}}])");
  const Outcome outcome = run({"--e2b-retry-budget", "0"});
  EXPECT_EQ(outcome.exit, 3) << outcome.err;
  EXPECT_TRUE(events("sandbox_replaced").empty());
  expect_no_sandbox(*server);
}

TEST_P(Beginning, ARefusalThatWillNotPassIsAnErrorAtOnce) {
  start();
  plan(R"([{"route":")" + std::string(GetParam()) + R"(","action":{"type":"status","status":507}}])");
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit, 3);
  EXPECT_NE(outcome.err.find("disk of the sandbox is full"), std::string::npos) << outcome.err;
  EXPECT_TRUE(events("sandbox_replaced").empty());
  expect_no_sandbox(*server);
}

INSTANTIATE_TEST_SUITE_P(Each, Beginning, testing::Values("POST /files", "POST /process.Process/Start"),
                         [](const auto& each) { return each.index == 0 ? "Upload" : "Start"; });

TEST_F(Service, TheRetryBudgetMeansWhatItSays) {
  start();
  // More refusals than four attempts, fewer than the budget allows.
  plan(R"([{"route":"GET /templates/aliases/{alias}","count":5,"action":{"type":"status","status":503}}])");
  expect_success(run({"--e2b-cpu", "4", "--e2b-retry-budget", "60"}));
  EXPECT_EQ(server->count("GET /templates/aliases/{alias}"), 6);
}

TEST_F(Service, ABuildThatTheServiceRefusedToStartIsStartedAgain) {
  start();
  plan(R"([{"route":"POST /v2/templates/{id}/builds/{build}","count":3,"action":{"type":"status","status":502}}])");
  expect_success(run({"--e2b-cpu", "4"}));
  EXPECT_EQ(server->count("POST /v2/templates/{id}/builds/{build}"), 4);
}

TEST_F(Service, ATemplateNameOfAnotherTeamIsLeftForOneOfOnesOwn) {
  start();
  for (const char* route : {"GET /templates/aliases/{alias}", "POST /v3/templates"}) {
    server->clear_requests();
    plan(R"([{"route":")" + std::string(route) +
         R"(","nth":1,"action":{"type":"status","status":403,"message":"Alias is already taken"}}])");
    expect_success(run({"--e2b-cpu", route[0] == 'G' ? "4" : "6"}));
    const std::string name = events("template_built").at(0)["name"].as_string();
    EXPECT_EQ(name.size(), std::string("osiris-0123456789abcdef-01234567").size()) << name;
  }
  // The common name is refused for ever, the own one is found again.
  plan(R"([{"route":"GET /templates/aliases/{alias}","nth":1,"action":{"type":"status","status":403}}])");
  expect_success(run({"--e2b-cpu", "4"}));
  EXPECT_FALSE(events("template_built").at(0)["built"].as_bool());
}

// ---- Old age

TEST_F(Service, ASandboxThatComesToItsPlansLimitIsNotReplacedAndTheUserIsToldBefore) {
  start({"--max-seconds", "7"});
  project.write("pipeline.yaml", e2e::oml("long", {e2e::mock_step("a", "hang: politely")}));
  const Outcome outcome = run({"--e2b-lease", "4", "--e2b-heartbeat-ms", "200"});
  EXPECT_EQ(outcome.exit, 3) << outcome.err;
  EXPECT_EQ(error_detail()["class"].as_string(), "QuotaExceeded") << error_detail().dump();
  EXPECT_NE(outcome.err.find("came to the end of the life that the plan allows, 7 s"), std::string::npos)
      << outcome.err;
  EXPECT_NE(outcome.err.find("plan with longer sandboxes"), std::string::npos) << outcome.err;
  EXPECT_EQ(server->stats()["created"].as_int(), 1) << "one life is paid for, not two";
  EXPECT_TRUE(events("sandbox_replaced").empty());
  const auto limited = events("sandbox_limited");
  ASSERT_EQ(limited.size(), 1u);
  EXPECT_EQ(limited[0]["life_s"].as_int(), 7);
  EXPECT_GE(limited[0]["left_s"].as_int(), 1);
  EXPECT_NE(outcome.out.find("the plan ends sandboxes after 7 s"), std::string::npos) << outcome.out;
  EXPECT_NE(project.read(project.session() / "osiris.log").find("the plan ends sandboxes after 7 s"),
            std::string::npos);
  expect_no_sandbox(*server);
}

TEST_F(Service, ASandboxThatVanishesLongBeforeAnyLimitIsReplaced) {
  start({"--max-seconds", "3600"});
  project.write("pipeline.yaml", e2e::oml("vanish", {e2e::mock_step("a", "sleep_ms: 1500, rows: 1")}));
  plan(R"([{"route":"POST /sandboxes/{id}/timeout","nth":1,"action":{"type":"kill_sandbox","when":"request"}}])");
  EXPECT_EQ(run({"--e2b-lease", "3"}).exit, 0);
  EXPECT_EQ(events("sandbox_replaced").size(), 1u);
  EXPECT_TRUE(events("sandbox_limited").empty());
}

TEST_F(Service, ARunThatMayTakeLongerThanASmallPlanAllowsSaysSoAtItsBegin) {
  start();
  const Outcome longer = run({"--e2b-timeout", "7200"});
  expect_success(longer);
  EXPECT_NE(longer.out.find("this run may take 2 h"), std::string::npos) << longer.out;
  const Outcome usual = run();
  expect_success(usual);
  EXPECT_EQ(usual.out.find("this run may take"), std::string::npos) << usual.out;
}

// ---- Hints that lead the right way, through the whole program

TEST_F(Service, HintsLeadTheRightWay) {
  start();
  struct Case {
    const char* fault;
    const char* said;
    const char* not_said;
  };
  const Case cases[] = {
      {R"({"route":"POST /v2/sandboxes","action":{"type":"status","status":403,"message":"team is blocked: please update your payment method"}})",
       "The key is fine", "Set E2B_API_KEY"},
      {R"({"route":"POST /files","action":{"type":"status","status":507,"message":"not enough disk space"}})",
       "disk of the sandbox is full", "raise the plan"},
      {R"({"route":"POST /v2/sandboxes","action":{"type":"status","status":400,"message":"no such field"}})",
       "does not accept this request", "Try again"},
      {R"({"route":"POST /files","action":{"type":"status","status":401,"message":"unauthorized access"}})",
       "not your API key", "Set E2B_API_KEY"},
  };
  for (const Case& each : cases) {
    plan("[" + std::string(each.fault) + "]");
    const Outcome outcome = run();
    EXPECT_EQ(outcome.exit, 3) << each.fault;
    EXPECT_NE(outcome.err.find(each.said), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.err.find(each.not_said), std::string::npos) << outcome.err;
    expect_no_sandbox(*server);
  }
}

TEST_F(Service, PackagesThatNoIndexCanBringAreRefusedBeforeAnySandboxIsMade) {
  start();
  project.write("script.py", "pass\n");
  project.write("pipeline.yaml",
                e2e::oml("deps", {"  - id: think\n    component: python.processor\n    mode: transform\n"
                                  "    config: {script: script.py, format: ndjson, requirements: [six]}\n"}));
  const Outcome outcome = run({"--e2b-install-deps", "--e2b-deps-in", "sandbox"});
  EXPECT_EQ(outcome.exit, 2) << outcome.err;
  EXPECT_NE(outcome.err.find("--e2b-network-allow"), std::string::npos) << outcome.err;
  EXPECT_EQ(server->requests().size(), 0u);
}

}  // namespace
}  // namespace osiris::e2b_test
