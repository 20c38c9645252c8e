// What the adapter asks of its user, what it lists and releases, and that it keeps every promise of the ABI.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "protocol/base/file.h"
#include "tests/ssh/sshd.h"

namespace osiris::ssh_tests {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Ssh : public testing::Test {
 protected:
  Ssh() : sshd_(project_.dir() / "machine") {
    const fs::path example = e2e::source_dir() / "examples/01-csv-duckdb-csv";
    for (const char* part : {"data", "pipeline.yaml"})
      fs::copy(example / part, project_.dir() / part, fs::copy_options::recursive);
  }
  e2e::Outcome osiris(std::vector<std::string> arguments) const { return project_.osiris(with_ssh(sshd_, arguments)); }

  e2e::Project project_;
  Sshd sshd_;
};

TEST_F(Ssh, NamesThatAreOptionsOrNoPathsAreRefusedBeforeAnythingIsStarted) {
  for (const auto& [option, value, says] :
       {std::tuple{"--ssh-host", "-oProxyCommand=touch x", "is no name of a machine"},
        std::tuple{"--ssh-directory", "a b;touch x", "holds other characters"},
        std::tuple{"--ssh-program", "/nonexistent/ssh", "cannot be executed"}}) {
    const e2e::Outcome outcome =
        project_.osiris({"run", "pipeline.yaml", "--adapter", "ssh", "--adapter-dir", adapter_directory().string(),
                         "--ssh-host", "far", std::string(option) + "=" + value});
    EXPECT_NE(outcome.exit, 0);
    EXPECT_THAT(outcome.out + outcome.err, HasSubstr(says));
  }
  EXPECT_FALSE(fs::exists(project_.dir() / "x"));
}

TEST_F(Ssh, TheUsersAgentIsAskedForTheKey) {
  sshd_.leave_the_key_to_an_agent();
  const e2e::Outcome refused = osiris({"run", "pipeline.yaml"});
  EXPECT_EQ(refused.exit, 3) << refused.out << refused.err;
  EXPECT_THAT(refused.out + refused.err, HasSubstr("far refused the login"));
  const Agent agent(sshd_);
  project_.set("SSH_AUTH_SOCK", agent.socket().string());
  const e2e::Outcome outcome = osiris({"run", "pipeline.yaml"});
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
}

TEST_F(Ssh, TheWorkerIsListedAndReleased) {
  ASSERT_EQ(osiris({"run", "pipeline.yaml"}).exit, 0);
  const Json listed = osiris({"resources", "list", "--all", "--json"}).json();
  const std::string text = listed.dump();
  EXPECT_THAT(text, HasSubstr("ssh.worker"));
  const std::string id = sshd_.far_directory().string() + "/" + sshd_.names_in(sshd_.far_directory()).at(1);
  EXPECT_THAT(text, HasSubstr(id));
  const e2e::Outcome released = osiris({"resources", "release", id, "--kind", "ssh.worker"});
  EXPECT_EQ(released.exit, 0) << released.out << released.err;
  EXPECT_FALSE(fs::exists(id));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // as tests/adapter_check
// The document of osiris-adapter-check on the adapter.
Json checked(const e2e::Project& project, const std::string& answers) {
  SpawnOptions options;
  options.arguments = {(e2e::build_dir() / "bin/osiris-adapter-check").string(),
                       (adapter_directory() / "ssh.so").string(), "--json", "--answers",
                       project.write("answers.yaml", answers).string()};
  options.environment = {{"PATH", "/usr/bin:/bin"}, {"HOME", project.dir().string()}, {"LC_ALL", "C"}};
  const auto output = run_command(options, 840'000, 16 << 20);
  EXPECT_TRUE(output.ok()) << output.error().message;
  const auto document = parse_json(output.ok() ? output->standard_output : "");
  EXPECT_TRUE(document.ok()) << (output.ok() ? output->standard_error : "");
  return document.ok() ? *document : Json();
}

TEST_F(Ssh, KeepsEveryPromise) {
  const std::string answers = "options:\n  host: far\n  config: " + sshd_.client_config().string() +
                              "\n  directory: " + sshd_.far_directory().string() +
                              "\nlimits:\n  case_seconds: 90\n  call_seconds: 60\n";
  const Json document = checked(project_, answers);
  for (const Json& each : document["cases"].items())
    if (each["outcome"].as_string() == "failed") ADD_FAILURE() << "case " << each.dump();
  EXPECT_GE(document["totals"]["passed"].as_int(), 200);
  std::printf("ssh: %s\n", document["totals"].dump().c_str());
}
#endif

}  // namespace
}  // namespace osiris::ssh_tests
