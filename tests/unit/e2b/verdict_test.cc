// Whether a sandbox is what was asked for, by what the service says of it.
#include "plugins/e2b/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace osiris::e2b {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

adapter_sdk::MachineSpec wanted(bool restricted = true) {
  adapter_sdk::MachineSpec spec;
  spec.lease_s = 120;
  spec.egress.restricted = restricted;
  if (restricted) spec.egress.hosts.push_back({"203.0.113.10", {}, "", {}});
  return spec;
}

Json said() {
  return *parse_json(R"({"sandboxID":"i1","startedAt":"2026-01-01T00:00:00Z","endAt":"2026-01-01T00:02:00Z",
    "allowInternetAccess":true,"network":{"allowOut":["203.0.113.10"],"denyOut":["0.0.0.0/0"]},
    "lifecycle":{"onTimeout":"kill","autoResume":false}})");
}

Json with(const std::string& key, const std::string& value) {
  Json json = said();
  json.set(key, *parse_json(value));
  return json;
}

TEST(Verdict, WhatWasAskedForIsNotWrong) {
  const auto verdict = verdict_of(said(), wanted());
  EXPECT_EQ(verdict.wrong, "");
  EXPECT_THAT(verdict.untold, IsEmpty());
}

TEST(Verdict, OtherEgressRulesAreWrong) {
  for (const char* network : {R"({"allowOut":["203.0.113.11"],"denyOut":["0.0.0.0/0"]})",
                              R"({"allowOut":["203.0.113.10","198.51.100.1"],"denyOut":["0.0.0.0/0"]})",
                              R"({"allowOut":["203.0.113.10"]})", R"({})"})
    EXPECT_THAT(verdict_of(with("network", network), wanted()).wrong, HasSubstr("its egress rules are")) << network;
  EXPECT_THAT(verdict_of(with("network", R"({"allowOut":["203.0.113.10"],"denyOut":["0.0.0.0/0"],
    "egressProxy":{"address":"198.51.100.1:1080"}})"),
                         wanted())
                  .wrong,
              HasSubstr("proxy"));
  EXPECT_THAT(verdict_of(said(), wanted(false)).wrong, HasSubstr("its egress rules are"));
}

TEST(Verdict, ASpellingOfTheServicesOwnIsNotWrong) {
  const char* spelt = R"({"allowOut":["203.0.113.10/32"],"denyOut":["0.0.0.0/0"]})";
  EXPECT_EQ(verdict_of(with("network", spelt), wanted()).wrong, "");
}

TEST(Verdict, AnInternetThatWasNotAskedForIsWrong) {
  auto none = wanted();
  none.egress.internet = false;
  EXPECT_THAT(verdict_of(said(), none).wrong, HasSubstr("it reaches the internet"));
  EXPECT_EQ(verdict_of(with("allowInternetAccess", "false"), none).wrong, "");
  EXPECT_EQ(verdict_of(with("network", R"({"denyOut":["0.0.0.0/0"]})"), none).wrong, "");
}

TEST(Verdict, ASandboxThatWouldBePausedIsWrong) {
  EXPECT_THAT(verdict_of(with("lifecycle", R"({"onTimeout":"pause"})"), wanted()).wrong, HasSubstr("but pause it"));
}

TEST(Verdict, ALifeLongerThanTheLeaseIsWrong) {
  EXPECT_THAT(verdict_of(with("endAt", "\"2026-01-01T01:00:00Z\""), wanted()).wrong,
              HasSubstr("longer than its lease"));
  EXPECT_EQ(verdict_of(with("endAt", "\"2026-01-01T00:02:20Z\""), wanted()).wrong, "")
      << "of a fork whose parent began before it";
}

TEST(Verdict, WhatTheServiceLeavesOutIsNamed) {
  const auto verdict = verdict_of(*parse_json(R"({"sandboxID":"i1"})"), wanted());
  EXPECT_EQ(verdict.wrong, "");
  EXPECT_THAT(verdict.untold, ElementsAre("its egress rules", "what becomes of it after its lease", "its lease"));
}

}  // namespace
}  // namespace osiris::e2b
