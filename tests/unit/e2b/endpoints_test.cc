#include "plugins/e2b/endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/e2b/api/envd.h"
#include "plugins/e2b/config.h"

namespace osiris::e2b {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(EgressProxyOption, TakesAHostAPortAndCredentials) {
  const auto plain = parse_egress_proxy("proxy.example.org:1080");
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->address, "proxy.example.org:1080");
  EXPECT_EQ(plain->user, "");
  const auto full = parse_egress_proxy("socks5://te%40m:p%3A%2Fss@word@proxy.example.org:1080/");
  ASSERT_TRUE(full.ok());
  EXPECT_EQ(full->address, "proxy.example.org:1080");
  EXPECT_EQ(full->user, "te@m");
  EXPECT_EQ(full->password, "p:/ss@word");
  EXPECT_EQ(parse_egress_proxy("team:secret@203.0.113.1:1080")->password, "secret");
}

TEST(EgressProxyOption, CredentialsMayBeWrittenInPercents) {
  const auto user = [](const std::string& text) { return parse_egress_proxy(text + ":x@proxy:1080")->user; };
  EXPECT_EQ(user("%4a%4A%6f%6F%39%30"), "JJoo90");
  EXPECT_EQ(user("%c3%A4"), "\u00e4");
  for (const char* none : {"%", "%4", "%4g", "%g4", "100%"}) EXPECT_EQ(user(none), none);
}

TEST(EgressProxyOption, RefusesWhatE2bRefusesAndRepeatsNoPassword) {
  const std::string long_text(256, 'x');
  for (const std::string& wrong :
       {std::string("proxy.example.org"), std::string("proxy.example.org:0"), std::string("proxy.example.org:70000"),
        std::string(":1080"), std::string("http://team:hunter2@proxy:1080"),
        std::string("socks5://:hunter2@proxy:1080"), "socks5://" + long_text + ":hunter2@proxy:1080",
        "team:" + long_text + "@proxy:1080", std::string("socks5://team:hunter2@proxy:10a80")}) {
    const auto proxy = parse_egress_proxy(wrong);
    ASSERT_FALSE(proxy.ok()) << wrong;
    EXPECT_THAT(proxy.error().message + proxy.error().hint, Not(HasSubstr("hunter2")));
  }
}

TEST(ServiceUrl, IsHttpsOrThisMachine) {
  for (const char* good : {"https://api.e2b.app", "HTTPS://api.e2b.app", "http://127.0.0.1:3000",
                           "http://localhost:3000", "http://[::1]:3000", ""})
    EXPECT_TRUE(check_service_url("--e2b-api-url", good, false).ok()) << good;
  for (const char* bad :
       {"http://api.e2b.app", "http://10.0.0.7:3000", "http://127.evil.example", "http://127.0.0.1@evil.example",
        "http://localhost.evil.example", "api.e2b.app", "ftp://127.0.0.1", "//api.e2b.app"}) {
    const Status status = check_service_url("--e2b-api-url", bad, false);
    ASSERT_FALSE(status.ok()) << bad;
    EXPECT_EQ(status.error().code, Code::kInvalidArgument) << bad;
  }
  EXPECT_THAT(check_service_url("--e2b-api-url", "http://api.e2b.app", false).error().hint,
              HasSubstr("--e2b-allow-http"));
  EXPECT_TRUE(check_service_url("--e2b-api-url", "http://api.e2b.app", true).ok());
  EXPECT_FALSE(check_service_url("--e2b-api-url", "api.e2b.app", true).ok()) << "curl would guess http";
}

TEST(ServiceUrl, IsShownWithoutWhoAsks) {
  EXPECT_EQ(without_userinfo("http://team:secret@proxy:3128/x@y"), "http://proxy:3128/x@y");
  EXPECT_EQ(without_userinfo("team:secret@proxy:3128"), "proxy:3128");
  EXPECT_EQ(without_userinfo("https://api.e2b.app"), "https://api.e2b.app");
}

class ConfigCheck : public ::testing::Test {
 protected:
  static std::string problem(const std::vector<std::pair<std::string, std::string>>& settings) {
    try {
      std::vector<plugin::Setting> given;
      for (const auto& [name, value] : settings) given.push_back({name, value});
      read_config(given);
    } catch (const plugin::Failure& failure) {
      return failure.message();
    }
    return "";
  }
};

TEST_F(ConfigCheck, AServiceOnAnotherMachineNeedsHttps) {
  EXPECT_THAT(problem({{"api-url", "http://e2b.corp.example"}}), HasSubstr("--e2b-api-url"));
  EXPECT_THAT(problem({{"sandbox-url", "http://e2b.corp.example"}}), HasSubstr("--e2b-sandbox-url"));
  EXPECT_EQ(
      problem(
          {{"api-url", "http://e2b.corp.example"}, {"sandbox-url", "http://e2b.corp.example"}, {"allow-http", "true"}}),
      "");
}

TEST_F(ConfigCheck, AnEgressProxyIsWhereE2bReachesIt) {
  EXPECT_EQ(problem({{"egress-proxy", "proxy.example.org:1080"}}), "");
  EXPECT_THAT(problem({{"egress-proxy", "10.0.0.5:1080"}}), HasSubstr("private address"));
  EXPECT_THAT(problem({{"egress-proxy", "localhost:1080"}}), HasSubstr("private address"));
  EXPECT_EQ(problem({{"egress-proxy", "10.0.0.5:1080"}, {"allow-private", "true"}}), "");
}

TEST_F(ConfigCheck, WhatIsAllowedIsAHostOrARange) {
  EXPECT_EQ(problem({{"network-allow", "203.0.113.0/24"}, {"network-allow", "db.example.org"}}), "");
  EXPECT_THAT(problem({{"network-allow", "203.0.113.0/99"}}), HasSubstr("neither a host nor a range"));
  EXPECT_THAT(problem({{"network-allow", "db.example.org/24"}}), HasSubstr("neither a host nor a range"));
}

TEST(EnvdUrl, UsesOneHostForAllSandboxesOfE2bsOwnDomains) {
  ApiConfig config;
  Sandbox sandbox;
  sandbox.id = "abc";
  for (const char* domain :
       {"e2b.app", "e2b.dev", "e2b.pro", "e2b-staging.dev", "e2b-tango.dev", "e2b-juliett.dev", "foxtrot-2.e2b.dev"}) {
    sandbox.domain = domain;
    EXPECT_EQ(envd_url(config, sandbox), std::string("https://sandbox.") + domain);
  }
  sandbox.domain = "e2b.corp.example";
  EXPECT_EQ(envd_url(config, sandbox), "https://49983-abc.e2b.corp.example");
}

}  // namespace
}  // namespace osiris::e2b
