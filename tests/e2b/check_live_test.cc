// `make check-live` is for the real service; here it is pointed at the local one, so that it is known to work before it
// costs money.
#include <gtest/gtest.h>

#include "protocol/base/file.h"
#include "tests/e2b/sandboxed_project.h"

namespace osiris::e2b_test {
namespace {

class CheckLive : public testing::Test {
 protected:
  // The script itself, in an environment that holds nothing of the tester's.
  Outcome check(const std::map<std::string, std::string>& more = {}) const {
    std::map<std::string, std::string> environment{
        {"PATH", "/usr/bin:/bin"},
        {"OSIRIS_BUILD_DIR", e2e::build_dir().string()},
        {"OSIRIS_LIVE_DIR", project.dir().string()},
        {"OSIRIS_LIVE_MEGABYTES", "1"},
        {"OSIRIS_LIVE_HOST", "localhost:" + server.url().substr(server.url().rfind(':') + 1)},
        {"OSIRIS_E2B_ALLOW_LOOPBACK", "true"},
        {"E2B_API_URL", server.url()},
        {"E2B_SANDBOX_URL", server.url()},
        {"E2B_API_KEY", server.api_key()}};
    for (const auto& [name, value] : more) environment[name] = value;
    SpawnOptions options;
    options.arguments = {(e2e::source_dir() / "scripts/check_live.py").string()};
    for (const auto& [name, value] : environment) options.environment.emplace_back(name, value);
    options.working_directory = project.dir();
    auto result = run_command(options, 170'000, 64u << 20);
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
    if (!result.ok()) return {};
    return {result->exit.value, result->standard_output, result->standard_error};
  }
  std::string report() const { return project.read("report.md"); }

  ServerProcess server = start_server();
  Project project;
};

TEST_F(CheckLive, EveryRowPassesAgainstTheLocalServerAndNothingIsLeft) {
  if (!server.has_namespaces() && !std::getenv("CI"))
    GTEST_SKIP() << "this machine has no namespaces, so no network rules";
  const Outcome outcome = check();
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  for (const char* row : {"parity", "network", "secrets", "artifacts", "kill", "keep", "template", "python"})
    EXPECT_NE(report().find("| " + std::string(row) + " | passed |"), std::string::npos) << row << "\n" << report();
  EXPECT_NE(report().find("left behind: nothing"), std::string::npos);
  EXPECT_EQ(report().find(server.api_key()), std::string::npos);
  EXPECT_EQ(outcome.out.find(server.api_key()), std::string::npos);
  expect_no_sandbox(server);
  EXPECT_EQ(server.count("POST /v2/sandboxes"), 12) << "two of the thirteen runs share one: the cost that is stated";
  EXPECT_EQ(server.count("DELETE /templates/{id}"), 1);
}

TEST_F(CheckLive, WithoutAKeyItSaysWhatItWouldDoAndCallsNobody) {
  const Outcome outcome = check({{"E2B_API_KEY", ""}});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  for (const char* text :
       {"Would run against", "at most 3600 sandbox-seconds", "parity", "network", "kill", "Set E2B_API_KEY"})
    EXPECT_NE(outcome.out.find(text), std::string::npos) << outcome.out;
  EXPECT_EQ(server.requests().size(), 0u);
  EXPECT_FALSE(std::filesystem::exists(project.dir() / "report.md"));
}

TEST_F(CheckLive, NoRowBeginsThatMightExceedTheCap) {
  const Outcome outcome = check({{"OSIRIS_LIVE_SECONDS_MAX", "300"}, {"OSIRIS_LIVE_ROWS", "parity,python"}});
  EXPECT_EQ(outcome.exit, 1) << "not everything was checked";
  EXPECT_NE(report().find("| parity | not run |"), std::string::npos) << report();
  EXPECT_NE(report().find("| python | passed |"), std::string::npos) << report();
  EXPECT_EQ(server.count("POST /v2/sandboxes"), 1);
}

TEST_F(CheckLive, AFailureIsReportedWithoutTheKeyAndCleanedUp) {
  const Json fault = Json::object(
      {{"route", "GET /files"},
       {"action",
        Json::object({{"type", "status"}, {"status", 403}, {"message", "your key " + server.api_key() + " is odd"}})}});
  ASSERT_TRUE(server.set_faults(Json::array({fault})).ok());
  const Outcome outcome = check({{"OSIRIS_LIVE_ROWS", "python"}});
  EXPECT_EQ(outcome.exit, 1);
  EXPECT_NE(report().find("| python | FAILED |"), std::string::npos) << report();
  EXPECT_NE(report().find("is odd"), std::string::npos) << "the reason is there: " << report();
  EXPECT_EQ(report().find(server.api_key()), std::string::npos);
  EXPECT_EQ(outcome.out.find(server.api_key()), std::string::npos);
  EXPECT_NE(report().find("left behind: nothing"), std::string::npos) << report();
  expect_no_sandbox(server);
}

TEST_F(CheckLive, AWrongSettingIsSaidBeforeAnythingIsMade) {
  EXPECT_EQ(check({{"OSIRIS_LIVE_ROWS", "parity,perity"}}).exit, 2);
  EXPECT_EQ(check({{"OSIRIS_LIVE_HOST", "example.com"}}).exit, 2);
  EXPECT_EQ(server.requests().size(), 0u);
}

}  // namespace
}  // namespace osiris::e2b_test
