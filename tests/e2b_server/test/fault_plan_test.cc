#include "servers/e2b/fault_plan.h"

#include <gtest/gtest.h>

namespace osiris::e2b_server {
namespace {

std::string refusal(const char* text) {
  const auto faults = parse_faults(*parse_json(text));
  return faults.ok() ? "accepted" : faults.error().message;
}

std::vector<bool> hits(FaultPlan& plan, const std::string& route, int calls) {
  std::vector<bool> out;
  for (int i = 0; i < calls; ++i) out.push_back(!plan.next(route, "iabc").empty());
  return out;
}

TEST(FaultPlan, HitsTheNthCallOfItsRouteOnly) {
  FaultPlan plan;
  plan.replace(
      *parse_faults(*parse_json(R"({"faults":[{"route":"POST /v2/sandboxes","nth":2,"action":{"type":"reset"}}]})")));
  EXPECT_EQ(hits(plan, "GET /v2/sandboxes", 3), std::vector<bool>({false, false, false}));
  EXPECT_EQ(hits(plan, "POST /v2/sandboxes", 4), std::vector<bool>({false, true, false, false}));
}

TEST(FaultPlan, HitsEveryKthFromTheNthUpToACount) {
  FaultPlan plan;
  plan.replace(
      *parse_faults(*parse_json(R"([{"route":"*","from":2,"every":2,"count":2,"action":{"type":"latency","ms":1}}])")));
  EXPECT_EQ(hits(plan, "GET /files", 8), std::vector<bool>({false, true, false, true, false, false, false, false}));
}

TEST(FaultPlan, TakesAnRpcByItsShortName) {
  FaultPlan plan;
  plan.replace(*parse_faults(*parse_json(R"([{"route":"process.Process/Start","action":{"type":"stall","ms":1}}])")));
  EXPECT_EQ(hits(plan, "POST /process.Process/Start", 1), std::vector<bool>({true}));
  EXPECT_EQ(plan.status().items()[0]["hits"].as_int(), 1);
}

TEST(FaultPlan, StrikesOnlyTheSandboxItNames) {
  FaultPlan plan;
  plan.replace(*parse_faults(*parse_json(R"([{"route":"*","sandbox":"iother","action":{"type":"reset"}}])")));
  EXPECT_EQ(hits(plan, "GET /files", 1), std::vector<bool>({false}));
  EXPECT_EQ(plan.next("GET /files", "iother").size(), 1u);
}

TEST(FaultPlan, RefusesWhatItDoesNotUnderstand) {
  EXPECT_NE(refusal(R"({"faults":[{"rout":"*","action":{"type":"reset"}}]})").find("'rout'"), std::string::npos);
  EXPECT_NE(refusal(R"([{"route":"*","action":{"type":"explode"}}])").find("explode"), std::string::npos);
  EXPECT_NE(refusal(R"([{"route":"*","action":{"type":"reset","when":"later"}}])").find("later"), std::string::npos);
  EXPECT_NE(refusal(R"([{"route":"*","action":{"type":"status","status":200}}])").find("400 to 599"),
            std::string::npos);
  EXPECT_NE(refusal(R"([{"route":"*","action":{"type":"bandwidth"}}])").find("bytes_per_s"), std::string::npos);
  EXPECT_NE(refusal(R"("nothing")"), "accepted");
  EXPECT_NE(refusal(R"([{"action":{"type":"reset"}}])").find("without a route"), std::string::npos);
  EXPECT_NE(refusal(R"([{"route":"*","nth":"1","action":{"type":"reset"}}])").find("'nth' must be a whole number"),
            std::string::npos);
  EXPECT_NE(refusal(R"([{"route":7,"action":{"type":"reset"}}])").find("'route' must be a text"), std::string::npos);
  EXPECT_NE(refusal(R"([{"route":"*","action":{"type":"stall","ms":-1}}])").find("negative"), std::string::npos);
  EXPECT_EQ(refusal(R"([{"route":"*","action":{"type":"clock_jump","ms":-1}}])"), "accepted");
}

TEST(FaultPlan, RefusesAKeyThatThisKindOfFaultDoesNotHave) {
  EXPECT_NE(refusal(R"([{"route":"*","action":{"type":"reset","ms":5}}])").find("'ms'"), std::string::npos);
  EXPECT_NE(refusal(R"([{"route":"*","action":{"type":"status","status":500,"when":"after"}}])").find("'when'"),
            std::string::npos);
  EXPECT_NE(refusal(R"([{"route":"*","action":{"type":"kill_sandbox","signal":9}}])").find("'signal'"),
            std::string::npos);
  EXPECT_EQ(refusal(R"([{"route":"*","action":{"type":"kill_process","signal":9,"when":"middle","after_events":3}}])"),
            "accepted");
}

}  // namespace
}  // namespace osiris::e2b_server
