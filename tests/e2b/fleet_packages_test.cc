// Packages of Python steps with shards, in several sandboxes: the first one installs them before it has seen anything
// of the run, and those that are made of it have them; where that would take a secret, each installs its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <set>
#include <sstream>

#include "tests/e2b/sandboxed_project.h"
#include "tests/package_index/package_index.h"

namespace osiris::e2b_test {
namespace {

using ::testing::HasSubstr;

constexpr int kShards = 6;
constexpr const char* kForkRoute = "POST /sandboxes/{id}/fork";

class FleetPackages : public testing::Test {
 protected:
  FleetPackages() : server_(start_server()) {
    use_server(project_, server_);
    index_.add("harbor-fees", "1.2.0", "FEE = 3\n", {"tiny-dep>=1"});
    index_.add("tiny-dep", "1.0", "X = 1\n");
    index_.start();
    pipeline("harbor-fees==1.2.0");
  }
  void pipeline(const std::string& requirement) {
    project_.write(
        "pipeline.yaml",
        e2e::oml(
            "packages",
            {"  - id: read\n    component: mock\n    mode: read\n    foreach: {range: {from: 0, to: " +
                 std::to_string(kShards) + "}}\n    config: {rows: 1, text: \"${shard.value}\"}\n",
             "  - id: think\n    component: python.processor\n    mode: transform\n    per_shard: true\n    "
             "config:\n      format: ndjson\n      requirements: ['" +
                 requirement +
                 "']\n      code: |\n        import harbor_fees, json, os, time, tiny_dep\n        time.sleep(0.3)\n"
                 "        open(os.environ['OSIRIS_OUTPUT'], 'w').write(json.dumps({'fee': harbor_fees.FEE * "
                 "int('${shard.value}')}) + '\\n')\n",
             "  - id: sum\n    component: duckdb.processor\n    mode: transform\n    needs: [think]\n    config: "
             "{query: \"SELECT count(*) AS n, sum(fee) AS fee FROM df_think\"}\n",
             "  - id: all\n    component: filesystem.csv_writer\n    mode: write\n    config: {path: all.csv, "
             "column_order: query}\n"}));
  }
  Outcome run(std::vector<std::string> more) {
    more.insert(more.begin(),
                {"--e2b-sandboxes", "3", "--e2b-install-deps", "--e2b-deps-in", "sandbox", "--e2b-network", "open"});
    return project_.osiris(run_arguments("e2b", more));
  }
  std::vector<std::string> with_index() const {
    const std::string variable = "PIP_INDEX_URL=" + index_.url();
    return {"--e2b-build-env", variable, "--e2b-env", variable};
  }
  void expect_whole(const Outcome& outcome) {
    ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err << project_.read(project_.session() / "osiris.log");
    EXPECT_EQ(project_.read("all.csv"), "n,fee\n6,45\n");
    expect_no_sandbox(server_);
  }
  std::vector<Json> events(const char* name) const { return Project::events(project_.session(), name); }
  // Of shards: "true" where the environment was there.
  std::multiset<std::string> environments() const {
    std::multiset<std::string> cached;
    for (const Json& event : events("environment_ready")) cached.insert(event["cached"].dump());
    return cached;
  }
  std::set<std::string> sandboxes_with_shards() const {
    std::set<std::string> ids;
    const auto journal = project_.read(project_.session() / "adapter/e2b-journal.jsonl");
    std::istringstream lines(journal);
    for (std::string line; std::getline(lines, line);)
      if (const auto entry = parse_json(line); entry && (*entry)["action"].as_string() == "shard_accepted")
        ids.insert((*entry)["id"].as_string());
    return ids;
  }

  ServerProcess server_;
  Project project_;
  test::PackageIndex index_;
};

TEST_F(FleetPackages, AreInstalledOnceInTheSandboxThatOthersAreMadeOf) {
  expect_whole(run(with_index()));
  const auto installed = events("dependency_installed");
  ASSERT_EQ(installed.size(), 2u) << "one package and what it needs";
  for (const Json& event : installed) {
    EXPECT_EQ(event["where"].as_string(), "sandbox");
    EXPECT_TRUE(event["step_id"].is_null()) << "no shard installed anything";
  }
  EXPECT_EQ(environments(), (std::multiset<std::string>{"true", "true", "true", "true", "true", "true"}));
  EXPECT_GE(sandboxes_with_shards().size(), 2u);
  EXPECT_EQ(server_.count(kForkRoute), 1);
  EXPECT_EQ(server_.count("POST /v2/sandboxes"), 1);
  EXPECT_EQ(server_.count("POST /files"), 1) << "what is required travels with the worker";
}

// What is lent to steps is a secret, and none is in a sandbox before it is cloned.
TEST_F(FleetPackages, AnIndexWithAPasswordIsAskedByEachSandbox) {
  project_.set("PIP_INDEX_URL", index_.url("reader:cAn4ry-of-the-index"));
  expect_whole(run({"--e2b-pass-env", "PIP_INDEX_URL"}));
  std::multiset<std::string> installed;
  for (const Json& event : events("dependency_installed")) {
    EXPECT_EQ(event["step_id"].as_string(), "think");
    EXPECT_TRUE(event["where"].is_null());
    installed.insert(event["package"].as_string());
  }
  EXPECT_EQ(installed.count("harbor-fees==1.2.0"), sandboxes_with_shards().size());
  EXPECT_THAT(project_.read(project_.session() / "osiris.log"),
              HasSubstr("each sandbox installs the packages of its shards"));
  const Json requests = server_.requests();
  for (const Json& request : requests.items()) {
    if (request["route"].as_string() == "POST /process.Process/StreamInput") continue;
    EXPECT_EQ(request.dump().find("cAn4ry-of-the-index"), std::string::npos) << request["route"].as_string();
  }
}

TEST_F(FleetPackages, CreatedSandboxesInstallForThemselves) {
  ASSERT_TRUE(server_
                  .set_faults(*parse_json(R"([{"route":"POST /sandboxes/{id}/fork","nth":1,"action":)"
                                          R"({"type":"status","status":404,"text":"404 page not found"}}])"))
                  .ok());
  expect_whole(run(with_index()));
  size_t in_shards = 0;
  for (const Json& event : events("dependency_installed"))
    in_shards += event["package"].as_string() == "harbor-fees==1.2.0" && event["where"].is_null();
  EXPECT_EQ(in_shards + 1, sandboxes_with_shards().size()) << "all but the first";
}

TEST_F(FleetPackages, WhatCannotBeInstalledFailsTheShardThatNeedsIt) {
  pipeline("no-such-package==9");
  const Outcome outcome = run(with_index());
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("No matching distribution found for no-such-package==9"));
  EXPECT_THAT(outcome.err, HasSubstr("shard "));
  EXPECT_THAT(project_.read(project_.session() / "osiris.log"), HasSubstr("cannot be installed in the first sandbox"));
  EXPECT_EQ(server_.count(kForkRoute), 1) << "the others are made all the same";
  expect_no_sandbox(server_);
}

TEST_F(FleetPackages, ARunThatIsCancelledMeanwhileLeavesNoSandbox) {
  index_.stop();  // pip asks again and again
  auto running = project_.start(run_arguments(
      "e2b", {"--e2b-sandboxes", "3", "--e2b-install-deps", "--e2b-deps-in", "sandbox", "--e2b-network", "open",
              "--e2b-build-env", "PIP_INDEX_URL=" + index_.url(), "--e2b-env", "PIP_INDEX_URL=" + index_.url()}));
  ASSERT_TRUE(is_in_the_middle_of(server_, "POST /process.Process/Start"));
  running.kill(SIGINT);
  EXPECT_EQ(running.end().exit, 130);
  EXPECT_EQ(server_.count(kForkRoute), 0);
  expect_no_sandbox(server_);
}

}  // namespace
}  // namespace osiris::e2b_test
