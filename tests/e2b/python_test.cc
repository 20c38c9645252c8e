// python.processor in sandboxes: packages in a template that is built once, or in the sandbox; the real pip either way.
#include <gtest/gtest.h>
#include <signal.h>

#include "protocol/base/redact.h"
#include "protocol/base/text.h"
#include "tests/e2b/sandboxed_project.h"
#include "tests/package_index/package_index.h"

namespace osiris::e2b_test {
namespace {

class E2bPython : public testing::Test {
 protected:
  E2bPython() {
    use_server(project, server);
    index.add("harbor-fees", "1.2.0", "FEE = 3\n", {"tiny-dep>=1"});
    index.add("tiny-dep", "1.0", "X = 1\n");
    index.start();
    project.write("script.py",
                  "import harbor_fees, json, os, tiny_dep\n"
                  "open(os.environ['OSIRIS_OUTPUT'], 'w').write(json.dumps({'fee': harbor_fees.FEE, 'dep': "
                  "tiny_dep.X}) + '\\n')\n");
    arrange("requirements: ['harbor-fees==1.2.0']");
  }

  void arrange(const std::string& config) {
    project.write("pipeline.yaml",
                  e2e::oml("thinking",
                           {"  - id: think\n    component: python.processor\n    mode: transform\n"
                            "    config: {script: script.py, format: ndjson" +
                                (config.empty() ? "" : ", " + config) + "}\n",
                            "  - id: save\n    component: filesystem.csv_writer\n    mode: write\n    needs: [think]\n"
                            "    config: {path: out.csv}\n"}));
  }
  Outcome run(std::vector<std::string> more) { return project.osiris(run_arguments("e2b", more)); }
  std::vector<Json> events(std::string_view name) const { return Project::events(project.session(), name); }

  // How many recorded requests hold `secret` in any spelling; those to StreamInput do not count.
  int requests_with(const std::string& secret) const {
    int found = 0;
    const Json recorded = server.requests();
    for (const Json& request : recorded.items()) {
      if (request["route"].as_string().find("StreamInput") != std::string::npos) continue;
      const std::string text = request.dump();
      for (const std::string& spelling : secret_spellings(secret)) found += text.find(spelling) != std::string::npos;
    }
    return found;
  }

  ServerProcess server = start_server();
  Project project;
  test::PackageIndex index;
};

TEST_F(E2bPython, PackagesAreInstalledInATemplateOnce) {
  const std::vector<std::string> with_deps = {"--e2b-install-deps", "--e2b-build-env", "PIP_INDEX_URL=" + index.url()};
  Outcome outcome = run(with_deps);
  ASSERT_EQ(outcome.exit, 0) << outcome.err << project.read(project.session() / "osiris.log");
  EXPECT_EQ(project.read("out.csv"), "dep,fee\n1,3\n");
  auto installed = events("dependency_installed");
  ASSERT_EQ(installed.size(), 2u);
  EXPECT_EQ(installed[0]["package"].as_string(), "harbor-fees==1.2.0");
  EXPECT_EQ(installed[1]["package"].as_string(), "tiny-dep==1.0");
  const int64_t build_ms = events("template_built").at(0)["duration_ms"].as_int();
  for (const Json& event : installed) {
    EXPECT_EQ(event["where"].as_string(), "template");
    EXPECT_GT(event["duration_ms"].as_int(), 0);
    EXPECT_LT(event["duration_ms"].as_int(), build_ms) << "each has its own time and not the build's";
  }
  ASSERT_EQ(events("environment_ready").size(), 1u);
  EXPECT_TRUE(events("environment_ready")[0]["cached"].as_bool());
  EXPECT_EQ(events("dependency_check").at(0)["missing"].size(), 0u);

  index.stop();
  outcome = run(with_deps);
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_FALSE(events("template_built").at(0)["built"].as_bool());
  EXPECT_TRUE(events("dependency_installed").empty());
  expect_no_sandbox(server);
}

TEST_F(E2bPython, WithoutTheFlagTheErrorNamesItAndNothingIsBuilt) {
  const Outcome outcome = run({});
  EXPECT_EQ(outcome.exit, 1);
  EXPECT_NE(outcome.err.find("--e2b-install-deps"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("harbor-fees==1.2.0"), std::string::npos) << outcome.err;
  EXPECT_EQ(server.count("POST /v3/templates"), 0);
  expect_no_sandbox(server);
}

TEST_F(E2bPython, AFailedInstallationShowsPipsWordsAndLeavesNoSandbox) {
  arrange("requirements: ['no-such-package==9']");
  const Outcome outcome = run({"--e2b-install-deps", "--e2b-build-env", "PIP_INDEX_URL=" + index.url()});
  EXPECT_EQ(outcome.exit, 3);
  EXPECT_NE(outcome.err.find("no-such-package==9"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("No matching distribution found"), std::string::npos) << outcome.err;
  expect_no_sandbox(server);
}

TEST_F(E2bPython, APasswordIsKeptOutOfTemplates) {
  const std::string url = index.url("reader:cAn4ry-of-the-index");
  Outcome outcome = run({"--e2b-install-deps", "--e2b-build-env", "PIP_INDEX_URL=" + url});
  EXPECT_EQ(outcome.exit, 2) << outcome.err;
  EXPECT_NE(outcome.err.find("--e2b-deps-in sandbox"), std::string::npos) << outcome.err;
  EXPECT_EQ(server.requests().size(), 0u);

  // What is lent to the steps does not go into a build either; the log says so.
  project.set("PIP_INDEX_URL", url);
  outcome =
      run({"--e2b-install-deps", "--e2b-pass-env", "PIP_INDEX_URL", "--e2b-build-env", "PIP_INDEX_URL=" + index.url()});
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(requests_with("cAn4ry-of-the-index"), 0);
  EXPECT_NE(project.read(project.session() / "osiris.log").find("--e2b-build-env"), std::string::npos);
}

TEST_F(E2bPython, TheSandboxCanInstallFromAnIndexWithAPassword) {
  project.set("PIP_INDEX_URL", index.url("reader:cAn4ry-of-the-index"));
  const Outcome outcome = run({"--e2b-install-deps", "--e2b-deps-in", "sandbox", "--e2b-pass-env", "PIP_INDEX_URL",
                               "--e2b-network", "open", "--verbose"});
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(project.read("out.csv"), "dep,fee\n1,3\n");
  const auto installed = events("dependency_installed");
  ASSERT_EQ(installed.size(), 2u);
  EXPECT_EQ(installed[0]["step_id"].as_string(), "think");
  EXPECT_EQ(server.count("POST /v3/templates"), 0);
  EXPECT_EQ(requests_with("cAn4ry-of-the-index"), 0);
  for (const auto& [name, content] : project.tree())
    EXPECT_EQ(content.find("cAn4ry-of-the-index"), std::string::npos) << name;
  EXPECT_EQ((outcome.out + outcome.err).find("cAn4ry-of-the-index"), std::string::npos);
}

TEST_F(E2bPython, APrintedSecretIsMaskedAndTravelsOnlyOnStdin) {
  const std::string canary = "cAn4ry=lent&e2b%9";
  project.set("LENT", canary);
  project.write("script.py",
                "import os\nprint('it is', os.environ['LENT'])\nraise SystemExit('not with ' + os.environ['LENT'])\n");
  arrange("");
  const Outcome outcome = run({"--e2b-pass-env", "LENT", "--e2b-debug", "--verbose"});
  EXPECT_EQ(outcome.exit, 1);
  EXPECT_NE(outcome.err.find("not with ***MASKED***"), std::string::npos) << outcome.err;
  EXPECT_EQ(requests_with(canary), 0);
  for (const std::string& spelling : secret_spellings(canary)) {
    EXPECT_EQ((outcome.out + outcome.err).find(spelling), std::string::npos);
    for (const auto& [name, content] : project.tree()) EXPECT_EQ(content.find(spelling), std::string::npos) << name;
  }
}

TEST_F(E2bPython, CancelEndsTheScriptAndTheSandbox) {
  project.write("script.py", "import time\nprint('::event running')\ntime.sleep(1000)\n");
  arrange("");
  auto running = project.start(run_arguments("e2b"));
  running.until("think: Starting");
  project.await_event("script_event");
  running.kill(SIGINT);
  EXPECT_EQ(running.end().exit, 130);
  expect_no_sandbox(server);
}

}  // namespace
}  // namespace osiris::e2b_test
