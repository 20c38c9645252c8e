// What the adapter asks of its user, and what it lists and releases.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace osiris::ssh_tests
