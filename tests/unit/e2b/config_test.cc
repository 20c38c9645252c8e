// Settings become a configuration, name by name, and what E2B cannot do is refused before anything is asked of it.
#include "plugins/e2b/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "plugins/e2b/options.h"
#include "protocol/base/json.h"

namespace osiris::e2b {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Settings = std::vector<std::pair<std::string, std::string>>;

Result<Config> read(const Settings& settings) {
  try {
    std::vector<plugin::Setting> given;
    for (const auto& [name, value] : settings) given.push_back({name, value});
    return read_config(given);
  } catch (const plugin::Failure& failure) {
    const auto detail = parse_json(failure.detail_json());
    return Error(static_cast<Code>(failure.code()), failure.message(), failure.hint(),
                 detail ? (*detail)["category"].as_string() : "");
  }
}

Config accepted(const Settings& settings) {
  auto config = read(settings);
  EXPECT_TRUE(config.ok()) << config.error().message;
  return config.ok() ? *std::move(config) : Config();
}

std::string refusal(const Settings& settings, Code code = Code::kInvalidArgument) {
  const auto config = read(settings);
  EXPECT_FALSE(config.ok());
  if (config.ok()) return "";
  EXPECT_EQ(config.error().code, code);
  EXPECT_EQ(config.error().category, "config.invalid");
  EXPECT_NE(config.error().hint, "");
  return config.error().message;
}

TEST(E2bConfig, EverySettingHasItsPlace) {
  const Config config = accepted({{"template", "t"},
                                  {"cpu", "4"},
                                  {"mem", "536870912"},
                                  {"min-free-disk", "1048576"},
                                  {"timeout", "1.5"},
                                  {"install-deps", "true"},
                                  {"deps-in", "sandbox"},
                                  {"network", "open"},
                                  {"allow-loopback", "true"},
                                  {"allow-private", "true"},
                                  {"keep", "true"},
                                  {"domain", "e2b.dev"},
                                  {"ca-file", "/ca"},
                                  {"allow-http", "true"},
                                  {"proxy", "http://p"},
                                  {"https-proxy", "http://q"},
                                  {"no-proxy", "a,b"},
                                  {"connect-timeout", "0.1"},
                                  {"request-timeout", "2"},
                                  {"create-timeout", "3"},
                                  {"build-timeout", "4"},
                                  {"retry-budget", "0"},
                                  {"heartbeat-ms", "50"},
                                  {"debug", "true"},
                                  {"sandbox-url", "https://s.test/"}});
  EXPECT_EQ(config.template_id, "t");
  EXPECT_EQ(config.cpu_count, 4);
  EXPECT_EQ(config.memory_bytes, 536'870'912);
  EXPECT_EQ(config.min_free_disk_bytes, 1'048'576);
  EXPECT_EQ(config.timeout.count(), 1500);
  EXPECT_TRUE(config.install_deps);
  EXPECT_FALSE(config.deps_in_template);
  EXPECT_EQ(config.network, "open");
  EXPECT_TRUE(config.allow_loopback);
  EXPECT_TRUE(config.allow_private);
  EXPECT_TRUE(config.keep);
  EXPECT_EQ(config.domain, "e2b.dev");
  EXPECT_EQ(config.ca_file, "/ca");
  EXPECT_TRUE(config.allow_http);
  EXPECT_EQ(config.proxy, "http://p");
  EXPECT_EQ(config.https_proxy, "http://q");
  EXPECT_EQ(config.no_proxy, "a,b");
  EXPECT_EQ(config.connect_timeout.count(), 100);
  EXPECT_EQ(config.request_timeout.count(), 2000);
  EXPECT_EQ(config.create_timeout.count(), 3000);
  EXPECT_EQ(config.build_timeout.count(), 4000);
  EXPECT_EQ(config.retry_budget.count(), 0);
  EXPECT_EQ(config.heartbeat_ms, 50);
  EXPECT_TRUE(config.debug);
  EXPECT_EQ(config.sandbox_url, "https://s.test") << "without the slash";
  EXPECT_EQ(accepted({{"image", "debian"}}).image, "debian");
  EXPECT_EQ(accepted({{"memory-gb", "1073741824"}}).memory_bytes, 1'073'741'824);
}

TEST(E2bConfig, WhatMayComeOftenIsCollected) {
  const Config config = accepted({{"network-allow", "a.test"},
                                  {"network-allow", "203.0.113.0/24"},
                                  {"metadata", "k=v=w"},
                                  {"metadata", "x="},
                                  {"env", "A=1"},
                                  {"env", "B=2"},
                                  {"env-from", "f"},
                                  {"pass-env", "HOME"},
                                  {"build-env", "PIP_INDEX_URL=https://i.test/?a=b"}});
  EXPECT_THAT(config.network_allow, ElementsAre("a.test", "203.0.113.0/24"));
  EXPECT_EQ(config.metadata, (std::map<std::string, std::string>{{"k", "v=w"}, {"x", ""}}));
  EXPECT_THAT(config.pairs, ElementsAre("A=1", "B=2"));
  EXPECT_THAT(config.files, ElementsAre("f"));
  EXPECT_THAT(config.pass, ElementsAre("HOME"));
  EXPECT_EQ(config.build_environment.at("PIP_INDEX_URL"), "https://i.test/?a=b");
}

// What is not set is what the descriptors tell people it is.
TEST(E2bConfig, TheDefaultsAreThoseOfTheTable) {
  Settings defaults;
  for (const auto& row : kRows)
    if (!row.default_value.empty()) defaults.emplace_back(row.name, row.default_value);
  ASSERT_GT(defaults.size(), 10u);
  const Config said = accepted(defaults), unset = accepted({});
  EXPECT_EQ(said.timeout, unset.timeout);
  EXPECT_EQ(said.lease, unset.lease);
  EXPECT_EQ(said.install_deps, unset.install_deps);
  EXPECT_EQ(said.deps_in_template, unset.deps_in_template);
  EXPECT_EQ(said.network, unset.network);
  EXPECT_EQ(said.allow_loopback, unset.allow_loopback);
  EXPECT_EQ(said.allow_private, unset.allow_private);
  EXPECT_EQ(said.keep, unset.keep);
  EXPECT_EQ(said.allow_http, unset.allow_http);
  EXPECT_EQ(said.api_url, unset.api_url);
  EXPECT_EQ(said.connect_timeout, unset.connect_timeout);
  EXPECT_EQ(said.request_timeout, unset.request_timeout);
  EXPECT_EQ(said.create_timeout, unset.create_timeout);
  EXPECT_EQ(said.build_timeout, unset.build_timeout);
  EXPECT_EQ(said.retry_budget, unset.retry_budget);
  EXPECT_EQ(said.heartbeat_ms, unset.heartbeat_ms);
  EXPECT_EQ(said.debug, unset.debug);
}

TEST(E2bConfig, ALeaseIsRoundedUpToWholeSeconds) {
  EXPECT_EQ(accepted({{"lease", "2"}}).lease_s(), 2);
  EXPECT_EQ(accepted({{"lease", "2.001"}}).lease_s(), 3);
}

TEST(E2bConfig, TheServiceIsTheDomainsUnlessItIsNamed) {
  EXPECT_EQ(accepted({}).api_url, "https://api.e2b.app");
  EXPECT_EQ(accepted({{"domain", "e2b.dev"}}).api_url, "https://api.e2b.dev");
  EXPECT_EQ(accepted({{"api-url", "https://a.test//"}}).api_url, "https://a.test");
}

TEST(E2bConfig, AKeyTravelsInTheClearOnlyWhereThatIsAllowed) {
  for (const char* option : {"api-url", "sandbox-url"}) {
    EXPECT_FALSE(read({{option, "http://a.test"}}).ok()) << option;
    EXPECT_TRUE(read({{option, "http://a.test"}, {"allow-http", "true"}}).ok()) << option;
    EXPECT_TRUE(read({{option, "http://127.0.0.1:3000"}}).ok()) << option;
  }
}

TEST(E2bConfig, WhatE2bHasNotIsRefused) {
  EXPECT_THAT(refusal({{"gpu", "1"}}, Code::kUnsupported), HasSubstr("no GPU"));
  for (const char* odd : {"3", "5", "31"}) EXPECT_THAT(refusal({{"cpu", odd}}), HasSubstr("even number of CPUs"));
  for (const char* even : {"1", "2", "8"}) EXPECT_TRUE(read({{"cpu", even}}).ok()) << even;
  EXPECT_THAT(refusal({{"mem", "135266304"}}), HasSubstr("even numbers of MiB"));
  EXPECT_TRUE(read({{"mem", "136314880"}}).ok());
  EXPECT_THAT(refusal({{"image", "debian"}, {"template", "t"}}), HasSubstr("exclude each other"));
}

TEST(E2bConfig, APasswordIsKeptOutOfTemplates) {
  for (const char* url : {"https://user:pass@i.test/simple", "http://token@i.test"})
    EXPECT_THAT(refusal({{"build-env", std::string("PIP_INDEX_URL=") + url}}),
                HasSubstr("would be kept in the template"));
  for (const char* harmless :
       {"https://i.test/simple", "https://i.test/a@b", "me@example.org", "https://i.test?to=a@b"})
    EXPECT_TRUE(read({{"build-env", std::string("X=") + harmless}}).ok()) << harmless;
}

TEST(E2bConfig, ARangeThatIsNoneIsRefused) {
  EXPECT_THAT(refusal({{"network-allow", "db.test/24"}}), HasSubstr("neither a host nor a range"));
  EXPECT_TRUE(read({{"network-allow", "203.0.113.0/24"}}).ok());
  EXPECT_TRUE(read({{"network-allow", "https://i.test/simple"}}).ok());
}

TEST(E2bConfig, AProxyThatE2bCannotReachIsRefused) {
  for (const char* address : {"10.0.0.1:1080", "127.0.0.1:1080"}) {
    EXPECT_THAT(refusal({{"egress-proxy", address}}), HasSubstr("a private address"));
    EXPECT_TRUE(read({{"egress-proxy", address}, {"allow-private", "true"}}).ok()) << address;
    EXPECT_TRUE(read({{"egress-proxy", address}, {"allow-loopback", "true"}}).ok()) << address;
  }
  EXPECT_TRUE(read({{"egress-proxy", "proxy.test:1080"}}).ok());
  EXPECT_FALSE(read({{"egress-proxy", "nonsense"}}).ok());
}

}  // namespace
}  // namespace osiris::e2b
