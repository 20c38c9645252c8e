// What the machine lacks is called what it is, and is nobody's wrong input: too few descriptors, a full disk, a file
// system that cannot be written.
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

class Machine : public testing::Test {
 protected:
  Machine() {
    project_.write("in.csv", "id\n1\n");
    project_.write(
        "p.yaml",
        oml("machine",
            {"  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    config: {path: in.csv}\n",
             "  - id: save\n    component: filesystem.csv_writer\n    mode: write\n    needs: [read]\n    config: "
             "{path: out.csv}\n"}));
  }
  // `before` in a shell, then osiris in its place.
  Outcome run(const std::string& before, const std::vector<std::string>& arguments) const {
    SpawnOptions options = project_.spawn_options(arguments);
    options.arguments.insert(options.arguments.begin(), {"/bin/sh", "-c", before + " && exec \"$0\" \"$@\""});
    const auto result = run_command(options, 120'000, 1 << 20);
    EXPECT_TRUE(result.ok());
    if (!result.ok()) return {};
    return {result->exit.signaled ? 128 + result->exit.value : result->exit.value, result->standard_output,
            result->standard_error};
  }
  // The same in a mount namespace where `directory` of the project is a file system with these options.
  Outcome run_mounted(const std::string& directory, const std::string& how) const {
    const std::string at = (project_.dir() / directory).string();
    SpawnOptions options = project_.spawn_options({"run", "p.yaml"});
    options.arguments.insert(options.arguments.begin(),
                             {"/usr/bin/unshare", "--mount", "/bin/sh", "-c",
                              "mount -t tmpfs -o " + how + " none '" + at + "' && exec \"$0\" \"$@\""});
    const auto result = run_command(options, 120'000, 1 << 20);
    EXPECT_TRUE(result.ok());
    if (!result.ok()) return {};
    return {result->exit.value, result->standard_output, result->standard_error};
  }
  Project project_;
};

TEST_F(Machine, TooFewDescriptorsAreNeverTheUsersFault) {
  int refused = 0;
  for (int descriptors = 4; descriptors <= 40; ++descriptors)
    for (const std::vector<std::string>& arguments :
         std::vector<std::vector<std::string>>{{"run", "p.yaml"}, {"run", "p.yaml", "--e2b", "--e2b-lease", "60"}}) {
      const Outcome outcome = run("ulimit -n " + std::to_string(descriptors), arguments);
      if (outcome.exit == 0) continue;
      ++refused;
      const std::string said = std::to_string(descriptors) + " " + arguments.back() + ": " + outcome.out + outcome.err;
      EXPECT_TRUE(outcome.exit == 3 || outcome.exit == 1 || outcome.exit == 127) << outcome.exit << " with " << said;
      EXPECT_EQ(outcome.err.find("damaged"), std::string::npos) << said;
      EXPECT_EQ(outcome.err.find("Unknown option"), std::string::npos) << said;
    }
  EXPECT_GT(refused, 5) << "the limits were none";
}

TEST_F(Machine, TheCounterSaysThatThereAreTooFewDescriptors) {
  bool named = false;
  for (int descriptors = 4; descriptors <= 20; ++descriptors)
    named |=
        run("ulimit -n " + std::to_string(descriptors), {"run", "p.yaml"}).err.find("ulimit -n") != std::string::npos;
  EXPECT_TRUE(named);
}

// Of a user who has nothing else, and may read the checkout, where that is: each limit refuses another thread or
// process of the run.
TEST_F(Machine, AThreadThatIsRefusedIsAnErrorAndNoCrash) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may be another user";
  constexpr uid_t kOtherUser = 1'234'567;
  ASSERT_EQ(::lchown(project_.dir().c_str(), kOtherUser, kOtherUser), 0);
  for (const auto& each : std::filesystem::recursive_directory_iterator(project_.dir()))
    ASSERT_EQ(::lchown(each.path().c_str(), kOtherUser, kOtherUser), 0) << each.path();
  const std::string as_user = " setpriv --reuid=" + std::to_string(kOtherUser) +
                              " --clear-groups --inh-caps=+dac_override --ambient-caps=+dac_override \"$0\" \"$@\"";
  int refused = 0;
  bool named = false;
  for (int threads = 1; threads <= 24; ++threads) {
    const Outcome outcome = run("exec prlimit --nproc=" + std::to_string(threads) + as_user, {"run", "p.yaml"});
    if (outcome.exit == 0) continue;
    ++refused;
    const std::string said = std::to_string(threads) + ": " + outcome.out + outcome.err;
    EXPECT_TRUE(outcome.exit == 1 || outcome.exit == 3) << outcome.exit << " with " << said;
    EXPECT_EQ(said.find("terminate called"), std::string::npos) << said;
    EXPECT_EQ(said.find("SIGABRT"), std::string::npos) << said;
    named |= said.find("the machine has no more threads") != std::string::npos;
  }
  EXPECT_GT(refused, 3) << "the limits were none";
  EXPECT_TRUE(named);
}

TEST_F(Machine, AReadOnlyPlaceForSessionsIsTheMachinesTrouble) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may mount";
  for (const char* directory : {".osiris", "run_logs", "build"}) {
    std::filesystem::create_directories(project_.dir() / directory);
    const Outcome outcome = run_mounted(directory, "ro");
    EXPECT_EQ(outcome.exit, 3) << directory << outcome.out << outcome.err;
    EXPECT_NE(outcome.err.find("Read-only file system"), std::string::npos) << directory << outcome.err;
    EXPECT_EQ(outcome.err.find("damaged"), std::string::npos) << outcome.err;
  }
}

TEST_F(Machine, AFullDiskIsCalledOne) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may mount";
  for (const char* directory : {".osiris", "run_logs"})
    for (const char* pages : {"4k", "16k", "20k", "24k", "28k", "32k", "36k", "40k", "44k", "48k", "64k"}) {
      std::filesystem::create_directories(project_.dir() / directory);
      const Outcome outcome = run_mounted(directory, std::string("size=") + pages);
      if (outcome.exit == 0) continue;  // it had room
      // A step writes into its session too, and fails where there is no room for that; all else is osiris's own.
      const bool is_of_a_step = outcome.err.find("step ") != std::string::npos;
      EXPECT_EQ(outcome.exit, is_of_a_step ? 1 : 3) << directory << pages << outcome.out << outcome.err;
      const bool named = outcome.err.find("No space left on device") != std::string::npos ||
                         outcome.err.find("disk is full") != std::string::npos;
      EXPECT_TRUE(named) << directory << pages << outcome.err;
      EXPECT_EQ(outcome.err.find("damaged"), std::string::npos) << outcome.err;
    }
  EXPECT_EQ(run_mounted(".osiris", "size=4k").exit, 3) << "one page is too small";
}

// As an ordinary user sees it; root has to give up its right to pass every permission first.
TEST_F(Machine, ADirectoryWithoutPermissionIsNamedWithARemedy) {
  std::filesystem::create_directories(project_.dir() / "run_logs");
  std::filesystem::permissions(project_.dir() / "run_logs",
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  SpawnOptions options = project_.spawn_options({"run", "p.yaml"});
  if (::geteuid() == 0)
    options.arguments.insert(options.arguments.begin(),
                             {"/usr/bin/setpriv", "--bounding-set=-dac_override,-dac_read_search",
                              "--inh-caps=-dac_override,-dac_read_search"});
  const auto result = run_command(options, 120'000, 1 << 20);
  ASSERT_TRUE(result.ok());
  const Outcome outcome{result->exit.value, result->standard_output, result->standard_error};
  EXPECT_EQ(outcome.exit, 3) << outcome.err;
  EXPECT_NE(outcome.err.find("base_path"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace osiris::e2e
