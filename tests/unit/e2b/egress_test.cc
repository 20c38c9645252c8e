// What a pipeline's hosts become in E2B's rules, row by row, with a name server that the test makes up.
#include "plugins/sdk/place/egress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "plugins/e2b/config.h"
#include "plugins/e2b/network.h"

namespace osiris::e2b {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class EgressRules : public ::testing::Test {
 protected:
  void connect(const std::string& fields, const std::string& reference = "@mysql.shop",
               const std::string& family = "mysql") {
    Json connections =
        request_.connections["connections"].is_object() ? request_.connections["connections"] : Json::object();
    connections.set(reference, Json::object({{"family", family}, {"alias", "shop"}, {"fields", *parse_json(fields)}}));
    request_.connections = Json::object({{"connections", connections}});
  }
  void step_contacts(const std::string& host) {
    PlanStep& step = request_.plan.steps.emplace_back();
    step.id = "pull";
    step.hosts = {host};
  }
  Result<sdk::Egress> derive() {
    return sdk::derive_egress(
        config_, service_description(), request_, [this](const std::string& host) -> Result<std::vector<std::string>> {
          asked_.push_back(host);
          const auto found = names_.find(host);
          if (found == names_.end())
            return Error(Code::kNotFound, "this machine finds no address of host " + host, "allow its address");
          return found->second;
        });
  }
  sdk::Egress derived() {
    auto egress = derive();
    EXPECT_TRUE(egress.ok()) << egress.error().message;
    return egress.ok() ? *std::move(egress) : sdk::Egress();
  }
  Json rules() { return network_rules(derived(), true); }
  std::string network() { return rules().dump(); }
  std::string refusal() {
    const Status checked = sdk::check_hosts(config_, service_description(), request_);
    const auto egress = derive();
    EXPECT_EQ(checked.ok(), egress.ok()) << "validation and the run agree";
    return checked.ok() ? "" : checked.error().message + " | " + checked.error().hint;
  }

  Config config_;
  sdk::RunRequest request_;
  std::map<std::string, std::vector<std::string>> names_;
  std::vector<std::string> asked_;
};

TEST_F(EgressRules, AHostGoesInByNameAndByAddress) {
  names_["db.example.org"] = {"203.0.113.5", "203.0.113.6"};
  connect(R"({"host": "db.example.org", "port": 3306})");
  EXPECT_EQ(network(), R"({"allowOut":["203.0.113.5","203.0.113.6","db.example.org"],"denyOut":["0.0.0.0/0"]})");
}

TEST_F(EgressRules, ALiteralAddressNeedsNoName) {
  connect(R"({"host": "203.0.113.5", "port": 3306})");
  EXPECT_EQ(network(), R"({"allowOut":["203.0.113.5"],"denyOut":["0.0.0.0/0"]})");
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(EgressRules, NamesAreWrittenAsRulesCompareThem) {
  names_["db.example.org"] = {"203.0.113.5"};
  connect(R"({"host": "DB.Example.org."})");
  step_contacts("db.example.org:3306");
  EXPECT_EQ(network(), R"({"allowOut":["203.0.113.5","db.example.org"],"denyOut":["0.0.0.0/0"]})");
  EXPECT_THAT(asked_, SizeIs(1)) << "one host, asked for once";
}

TEST_F(EgressRules, AHostThatOnlyTheStepNamesIsOneToo) {
  names_["db.example.org"] = {"203.0.113.5"};
  step_contacts("db.example.org:3306");
  EXPECT_THAT(derived().allow(), ElementsAre("203.0.113.5", "db.example.org"));
}

TEST_F(EgressRules, UrlsGiveTheirHost) {
  names_["api.example.org"] = {"203.0.113.9"};
  connect(R"({"url": "https://user@api.example.org/v1?x=y"})", "@graphql.api", "graphql");
  const sdk::Egress egress = derived();
  EXPECT_THAT(egress.allow(), ElementsAre("203.0.113.9", "api.example.org"));
  EXPECT_THAT(egress.notes, IsEmpty()) << "port 443 is covered by name";
}

TEST_F(EgressRules, EveryFieldThatNamesAHostGivesARule) {
  names_["db.example.org"] = {"203.0.113.5"};
  for (const char* field : {"host", "url", "endpoint", "pg_host", "custom_base_url", "sql_url", "sql_endpoint"}) {
    connect(std::string(R"({")") + field + R"(": "https://db.example.org/x"})", "@graphql.api", "graphql");
    EXPECT_THAT(derived().allow(), ElementsAre("203.0.113.5", "db.example.org")) << field;
    EXPECT_EQ(sdk::with_addresses(request_.connections["connections"], derived())["@graphql.api"]["addresses"].dump(),
              R"({"db.example.org":["203.0.113.5"]})")
        << field;
  }
  for (const char* field : {"database", "user", "schema"}) {
    connect(std::string(R"({")") + field + R"(": "db.example.org"})", "@graphql.api", "graphql");
    EXPECT_FALSE(derived().internet) << field;
  }
}

TEST_F(EgressRules, ASupabaseProjectIsAHost) {
  names_["abc.supabase.co"] = {"203.0.113.7"};
  connect(R"({"project_id": "abc"})", "@supabase.main", "supabase");
  EXPECT_THAT(derived().allow(), ElementsAre("203.0.113.7", "abc.supabase.co"));
  connect(R"({"project_id": "abc"})", "@supabase.main", "other");
  EXPECT_FALSE(derived().internet);
}

TEST_F(EgressRules, APortInTheHostCountsMoreThanTheFieldOfThatName) {
  names_["db.example.org"] = {"203.0.113.5"};
  connect(R"({"url": "https://db.example.org:8443", "port": 3306})", "@graphql.api", "graphql");
  ASSERT_THAT(derived().notes, SizeIs(1));
  EXPECT_THAT(derived().notes[0], HasSubstr("db.example.org:8443:"));
  connect(R"({"url": "https://db.example.org:443", "port": 3306})", "@graphql.api", "graphql");
  EXPECT_THAT(derived().notes, IsEmpty());
  connect(R"({"host": "db.example.org", "port": "3307"})", "@graphql.api", "graphql");
  ASSERT_THAT(derived().notes, SizeIs(1));
  EXPECT_THAT(derived().notes[0], HasSubstr("db.example.org:3307:")) << "written as text";
}

TEST_F(EgressRules, SaysThatOtherPortsAreAllowedByTheAddressSeenHere) {
  names_["db.example.org"] = {"203.0.113.5"};
  connect(R"({"host": "db.example.org", "port": 3307})");
  const sdk::Egress egress = derived();
  ASSERT_THAT(egress.notes, SizeIs(1));
  EXPECT_THAT(egress.notes[0], HasSubstr("db.example.org:3307"));
  EXPECT_THAT(egress.notes[0], HasSubstr("203.0.113.5"));
  EXPECT_THAT(egress.notes[0], HasSubstr("--e2b-network-allow"));
  EXPECT_THAT(egress.warnings, IsEmpty());
}

TEST_F(EgressRules, AnIndexIsAllowedByNameAsItsRecipeSays) {
  names_["packages.example.org"] = {"198.51.100.8"};
  config_.network_allow = {"packages.example.org"};
  EXPECT_EQ(network(), R"({"allowOut":["198.51.100.8","packages.example.org"],"denyOut":["0.0.0.0/0"]})");
  config_.network_allow = {"https://packages.example.org/simple"};
  EXPECT_EQ(network(), R"({"allowOut":["198.51.100.8","packages.example.org"],"denyOut":["0.0.0.0/0"]})");
  config_.network = "none";
  EXPECT_TRUE(derived().restricted) << "what is named is allowed, nothing else";
}

TEST_F(EgressRules, PatternsAndRangesGoInAsTheyAre) {
  config_.network_allow = {"*.example.org", "198.51.100.0/24"};
  EXPECT_EQ(network(), R"({"allowOut":["*.example.org","198.51.100.0/24"],"denyOut":["0.0.0.0/0"]})");
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(EgressRules, OpenAndNothingAreSaidAsSuch) {
  connect(R"({"host": "db.example.org"})");
  config_.network = "open";
  EXPECT_TRUE(rules().is_null());
  EXPECT_TRUE(derived().internet);
  config_.network = "none";
  EXPECT_TRUE(rules().is_null());
  EXPECT_FALSE(derived().internet);
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(EgressRules, ANameWithoutAddressStopsARunThatNeedsAnotherPort) {
  connect(R"({"host": "db.example.org", "port": 3306})");
  const auto egress = derive();
  ASSERT_FALSE(egress.ok());
  EXPECT_EQ(egress.error().code, Code::kNotFound);
  config_.network_allow = {"203.0.113.5"};  // what the hint says
  EXPECT_THAT(derived().allow(), ElementsAre("203.0.113.5", "db.example.org"));
  EXPECT_THAT(derived().warnings, SizeIs(1));
}

TEST_F(EgressRules, ANameWithoutAddressIsEnoughForTheWeb) {
  connect(R"({"url": "https://api.example.org"})", "@graphql.api", "graphql");
  const sdk::Egress egress = derived();
  EXPECT_THAT(egress.allow(), ElementsAre("api.example.org"));
  ASSERT_THAT(egress.warnings, SizeIs(1));
  EXPECT_THAT(egress.warnings[0], HasSubstr("by name only"));
}

TEST_F(EgressRules, RefuseEveryPrivateAddressThatIsWrittenDown) {
  const std::pair<const char*, const char*> rows[] = {{"10.1.2.3", "10.0.0.0/8"},
                                                      {"100.64.0.1", "100.64.0.0/10"},
                                                      {"100.127.255.254", "100.64.0.0/10"},
                                                      {"169.254.169.254", "169.254.0.0/16"},
                                                      {"172.16.0.1", "172.16.0.0/12"},
                                                      {"172.31.255.1", "172.16.0.0/12"},
                                                      {"192.168.7.7", "192.168.0.0/16"},
                                                      {"10.1", "10.0.0.0/8"},
                                                      {"0x0a000001", "10.0.0.0/8"},
                                                      {"::ffff:10.0.0.1", "10.0.0.0/8"},
                                                      {"fd00::1", "fc00::/7"},
                                                      {"fe80::1", "fe80::/10"}};
  for (const auto& [address, range] : rows) {
    connect(std::string(R"({"host": ")") + address + R"("})");
    EXPECT_THAT(refusal(), HasSubstr(std::string("(") + range + ")")) << address;
    EXPECT_THAT(refusal(), HasSubstr("--e2b-egress-proxy")) << address;
    EXPECT_THAT(refusal(), HasSubstr("--e2b-allow-private")) << address;
  }
  for (const char* address : {"9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "169.253.1.1", "172.15.0.1",
                              "172.32.0.1", "192.167.1.1", "198.18.0.1"}) {
    connect(std::string(R"({"host": ")") + address + R"("})");
    EXPECT_EQ(refusal(), "") << address;
  }
}

TEST_F(EgressRules, RefusePrivateRangesOfTheOptionToo) {
  config_.network_allow = {"10.0.0.0/8"};
  EXPECT_THAT(refusal(), HasSubstr("--e2b-network-allow names 10.0.0.0/8"));
  config_.network_allow = {"10.20.0.0/16"};
  EXPECT_THAT(refusal(), HasSubstr("10.0.0.0/8"));
  config_.network_allow = {"8.0.0.0/5"};
  EXPECT_EQ(refusal(), "") << "more than a private range";
}

TEST_F(EgressRules, RefusePrivateAddressesWhereEverythingElseIsOpen) {
  connect(R"({"host": "192.168.1.10"})");
  config_.network = "open";
  EXPECT_THAT(refusal(), HasSubstr("192.168.0.0/16"));
}

TEST_F(EgressRules, TakePrivateAddressesWhereSomethingReachesThem) {
  connect(R"({"host": "192.168.1.10"})");
  ASSERT_NE(refusal(), "");
  config_.allow_private = true;
  EXPECT_EQ(refusal(), "");
  config_.allow_private = false;
  config_.allow_loopback = true;
  EXPECT_EQ(refusal(), "");
  config_.allow_loopback = false;
  config_.egress_proxy = sdk::EgressProxy{"proxy.example.org:1080", "", ""};
  EXPECT_EQ(refusal(), "");
}

TEST_F(EgressRules, WarnOfANameThatIsPrivateHere) {
  names_["db.corp.example"] = {"10.2.3.4"};
  connect(R"({"host": "db.corp.example"})");
  sdk::Egress egress = derived();
  ASSERT_THAT(egress.warnings, SizeIs(1));
  EXPECT_THAT(egress.warnings[0],
              HasSubstr("db.corp.example is 10.2.3.4 as seen from this machine, a private address (10.0.0.0/8)"));
  EXPECT_THAT(egress.warnings[0], HasSubstr("--e2b-egress-proxy"));
  config_.egress_proxy = sdk::EgressProxy{"proxy.example.org:1080", "", ""};
  EXPECT_THAT(derived().warnings, IsEmpty());
}

TEST_F(EgressRules, RefuseLoopbackInEverySpelling) {
  for (const char* host : {"localhost", "LOCALHOST", "db.localhost", "127.0.0.1", "127.1", "127.255.0.3", "::1",
                           "0.0.0.0", "2130706433", "::ffff:127.0.0.1"}) {
    connect(std::string(R"({"host": ")") + host + R"("})");
    EXPECT_THAT(refusal(), HasSubstr("the sandbox itself")) << host;
  }
  connect("{}");
  EXPECT_THAT(refusal(), HasSubstr("the sandbox itself")) << "mysql's own default";
  connect(R"({"host": "127.evil.example"})");
  names_["127.evil.example"] = {"203.0.113.5"};
  EXPECT_EQ(refusal(), "") << "a name is no address";
  config_.allow_loopback = true;
  connect(R"({"host": "localhost"})");
  names_["localhost"] = {"127.0.0.1"};
  EXPECT_EQ(refusal(), "");
}

TEST_F(EgressRules, LeaveIpv6OutAndSaySo) {
  connect(R"({"host": "2001:db8::5"})");
  const sdk::Egress egress = derived();
  EXPECT_THAT(egress.allow(), IsEmpty());
  ASSERT_THAT(egress.warnings, SizeIs(1));
  EXPECT_THAT(egress.warnings[0], HasSubstr("IPv4"));
}

TEST_F(EgressRules, AProxyTravelsWithItsPasswordAndIsShownWithout) {
  names_["db.example.org"] = {"203.0.113.5"};
  connect(R"({"host": "db.example.org"})");
  config_.egress_proxy = sdk::EgressProxy{"proxy.example.org:1080", "team", "hunter2hunter2"};
  const sdk::Egress egress = derived();
  EXPECT_EQ(network_rules(egress, true)["egressProxy"].dump(),
            R"({"address":"proxy.example.org:1080","username":"team","password":"hunter2hunter2"})");
  EXPECT_EQ(network_rules(egress, false)["egressProxy"].dump(),
            R"({"address":"proxy.example.org:1080","username":"team"})");
  config_.network = "open";
  EXPECT_TRUE(rules()["allowOut"].is_null());
  EXPECT_EQ(rules()["egressProxy"]["address"].as_string(), "proxy.example.org:1080");
}

TEST_F(EgressRules, LendTheWorkerWhatThisMachineFound) {
  names_["db.example.org"] = {"203.0.113.5"};
  connect(R"({"host": "DB.example.org", "port": 3306})");
  connect(R"({"host": "203.0.113.9"})", "@mysql.other");
  const Json lent = sdk::with_addresses(request_.connections["connections"], derived());
  EXPECT_EQ(lent["@mysql.shop"]["addresses"].dump(), R"({"DB.example.org":["203.0.113.5"]})")
      << "under the name as the driver reads it";
  EXPECT_FALSE(lent["@mysql.other"].contains("addresses"));
  config_.network = "open";
  EXPECT_FALSE(
      sdk::with_addresses(request_.connections["connections"], derived())["@mysql.shop"].contains("addresses"));
}

}  // namespace
}  // namespace osiris::e2b
