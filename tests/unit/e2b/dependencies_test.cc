#include "plugins/e2b/dependencies.h"

#include <gtest/gtest.h>

namespace osiris::e2b {
namespace {

RunInputs with_requirements(std::vector<std::string> requirements) {
  Json list = Json::array();
  for (const std::string& each : requirements) list.push_back(each);
  RunInputs request;
  PlanStep& step = request.plan.steps.emplace_back();
  step.id = "think";
  step.cfg = Json::object({{"requirements", list}});
  return request;
}

Config in_sandbox() {
  Config config;
  config.install_deps = true;
  config.deps_in_template = false;
  return config;
}

TEST(Dependencies, ASandboxThatReachesNoIndexIsRefusedWithTheRemedy) {
  for (const char* network : {"derived", "none"}) {
    Config config = in_sandbox();
    config.network = network;
    const Status status = check_index_reachable(config, with_requirements({"six"}));
    ASSERT_FALSE(status.ok()) << network;
    EXPECT_EQ(status.error().code, Code::kInvalidArgument);
    EXPECT_NE(status.error().hint.find("--e2b-network-allow"), std::string::npos);
  }
}

TEST(Dependencies, ANetworkThatMayLeadToAnIndexIsFine) {
  Config config = in_sandbox();
  config.network = "open";
  EXPECT_TRUE(check_index_reachable(config, with_requirements({"six"})).ok());
  config = in_sandbox();
  config.network_allow = {"packages.example.org"};
  EXPECT_TRUE(check_index_reachable(config, with_requirements({"six"})).ok());
}

TEST(Dependencies, NothingToInstallInTheSandboxNeedsNoIndex) {
  EXPECT_TRUE(check_index_reachable(in_sandbox(), with_requirements({})).ok());
  Config config = in_sandbox();
  config.deps_in_template = true;
  EXPECT_TRUE(check_index_reachable(config, with_requirements({"six"})).ok());
  config = in_sandbox();
  config.install_deps = false;
  EXPECT_TRUE(check_index_reachable(config, with_requirements({"six"})).ok());
}

TEST(Dependencies, PackagesThatLieInTheTemplateNeedNoIndex) {
  Config config = in_sandbox();
  config.pairs = {"PIP_NO_INDEX=1", "PIP_FIND_LINKS=/opt/wheels"};
  EXPECT_TRUE(check_index_reachable(config, with_requirements({"six"})).ok());
}

TEST(Dependencies, PipVariablesLentToStepsAreWarnedOf) {
  Config config;
  config.pairs = {"PIP_INDEX_URL=https://packages.example.org", "OTHER=1"};
  ASSERT_EQ(pip_warnings(config).size(), 1u);
  EXPECT_NE(pip_warnings(config)[0].find("PIP_INDEX_URL"), std::string::npos);
}

}  // namespace
}  // namespace osiris::e2b
