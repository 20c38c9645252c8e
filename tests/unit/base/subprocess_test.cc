#include "protocol/base/subprocess.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/unit/base/process_group.h"

namespace osiris {
namespace {

using testing::HasSubstr;

SpawnOptions shell(const std::string& script) {
  SpawnOptions options;
  options.arguments = {"/bin/sh", "-c", script};
  options.environment = {{"PATH", "/usr/bin:/bin"}};
  return options;
}

std::string output_of(const std::string& script) {
  const auto output = run_command(shell(script), 20'000);
  EXPECT_TRUE(output.ok());
  return output.ok() ? output->standard_output : "";
}

TEST(SubprocessTest, RunsAProgramAndTellsItsStatus) {
  const auto output = run_command(shell("echo out; echo err >&2; exit 5"), 20'000);
  ASSERT_TRUE(output.ok());
  EXPECT_EQ(output->standard_output, "out\n");
  EXPECT_EQ(output->standard_error, "err\n");
  EXPECT_EQ(output->exit.value, 5);
  EXPECT_FALSE(output->exit.success());
  EXPECT_EQ(output->exit.describe(), "exited with status 5");
}

TEST(RunCommand, GivesItsInputAndDoesNotMindThatItIsNotRead) {
  const std::string input(1 << 20, 'x');
  EXPECT_EQ(run_command(shell("wc -c"), 20'000, 1 << 20, input)->standard_output, "1048576\n");
  EXPECT_EQ(run_command(shell("head -c 3"), 20'000, 1 << 20, input)->standard_output, "xxx");
  EXPECT_EQ(run_command(shell("exit 4"), 20'000, 1 << 20, input)->exit.value, 4);
}

TEST(SubprocessTest, TellsTheSignalThatKilledIt) {
  const auto output = run_command(shell("kill -9 $$"), 20'000);
  ASSERT_TRUE(output.ok());
  EXPECT_EQ(output->exit.describe(), "was killed by signal 9 (SIGKILL)");
}

TEST(SubprocessTest, AProgramThatIsNotThereIsAnErrorAndNotAChild) {
  SpawnOptions options;
  options.arguments = {"/nonexistent/program"};
  const auto process = Subprocess::spawn(options);
  ASSERT_FALSE(process.ok());
  EXPECT_EQ(process.error().code, Code::kNotFound);
  EXPECT_THAT(process.error().message, HasSubstr("/nonexistent/program"));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child was left unreaped";
}

TEST(SubprocessTest, ARelativeProgramIsRefused) {
  SpawnOptions options;
  options.arguments = {"sh"};
  EXPECT_EQ(Subprocess::spawn(options).error().code, Code::kInvalidArgument);
}

TEST(SubprocessTest, AMissingWorkingDirectoryIsNamed) {
  SpawnOptions options = shell("true");
  options.working_directory = "/nonexistent/directory";
  const auto process = Subprocess::spawn(options);
  ASSERT_FALSE(process.ok());
  EXPECT_THAT(process.error().message, HasSubstr("/nonexistent/directory"));
}

TEST(SubprocessTest, TheEnvironmentIsWhatWasGivenAndNothingElse) {
  ::setenv("OSIRIS_TEST_LEAK", "1", 1);
  SpawnOptions options;
  options.arguments = {"/usr/bin/env"};
  options.environment = {{"A", "1"}, {"B", "two words"}};
  const auto output = run_command(options, 20'000);
  ASSERT_TRUE(output.ok());
  EXPECT_EQ(output->standard_output, "A=1\nB=two words\n");
}

TEST(SubprocessTest, ArgumentsReachTheProgramUnchanged) {
  SpawnOptions options;
  options.arguments = {"/usr/bin/printf", "[%s]", "a b", "$HOME", "'", ""};
  EXPECT_EQ(run_command(options, 20'000)->standard_output, "[a b][$HOME]['][]");
}

TEST(SubprocessTest, NoDescriptorIsInherited) {
  const int leaked = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as a careless library would
  EXPECT_EQ(output_of("ls /proc/self/fd | tr '\\n' ' '"), "0 1 2 3 ");  // 3: ls reads the directory
  ::close(leaked);
}

TEST(SubprocessTest, SignalsThatTheParentIgnoresAreAtTheirDefaults) {
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(output_of("grep SigIgn /proc/self/status"), "SigIgn:\t0000000000000000\n");
  ::signal(SIGPIPE, before);
}

TEST(SubprocessTest, LeadsASessionOfItsOwn) {
  auto process = Subprocess::spawn(shell("read line"));
  ASSERT_TRUE(process.ok());
  EXPECT_EQ(::getsid(process->pid()), process->pid());
  EXPECT_NE(::getsid(0), process->pid());
}

TEST(SubprocessTest, WritingToADeadReaderIsAnErrorAndNoSignal) {
  auto process = Subprocess::spawn(shell("exit 0"));
  ASSERT_TRUE(process.ok());
  ASSERT_TRUE(process->wait(20'000));
  ssize_t sent = 0;
  for (int i = 0; i < 1000 && sent >= 0; ++i) sent = ::send(process->stdin_fd(), "x", 1, MSG_NOSIGNAL);
  EXPECT_LT(sent, 0);
}

TEST(SubprocessTest, ItsWholeGroupDiesWithItsObject) {
  pid_t group = 0;
  {
    auto process = Subprocess::spawn(shell("sleep 1000 & sleep 1000 & echo ready; wait"));
    ASSERT_TRUE(process.ok());
    group = process->pid();
    pollfd ready{process->stdout_fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&ready, 1, 20'000), 1);
  }
  EXPECT_TRUE(test::group_is_gone(group));
}

TEST(SubprocessTest, AChildInAGroupOfItsOwnDiesWithACrashedParent) {
  auto process = Subprocess::spawn(shell("set -m; sleep 1000 >/dev/null 2>&1 & echo $!; kill -9 $$"));
  ASSERT_TRUE(process.ok());
  ASSERT_TRUE(process->wait(20'000));
  char text[32] = {};
  ASSERT_GT(::read(process->stdout_fd(), text, sizeof text - 1), 0);
  EXPECT_TRUE(test::group_is_gone(static_cast<pid_t>(std::atoi(text)))) << "with job control the job leads a group";
}

TEST(SubprocessTest, AWaitThatIsOverBeforeTheChildGivesNothing) {
  auto process = Subprocess::spawn(shell("read line"));
  ASSERT_TRUE(process.ok());
  EXPECT_FALSE(process->wait(1));
  EXPECT_FALSE(process->poll_exit());
  process->close_stdin();
  const auto exit = process->wait(20'000);
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->value, 1) << "read found the end of file";
  EXPECT_EQ(process->poll_exit()->value, 1) << "asked again, the same answer";
}

TEST(RunCommand, ACommandThatTakesTooLongIsKilled) {
  const auto output = run_command(shell("sleep 1000"), 50);
  ASSERT_FALSE(output.ok());
  EXPECT_EQ(output.error().code, Code::kDeadline);
}

TEST(RunCommand, ACommandThatClosedItsOutputIsNotWaitedForLonger) {
  const auto output = run_command(shell("exec >&- 2>&-; sleep 1000"), 50);
  ASSERT_FALSE(output.ok());
  EXPECT_EQ(output.error().code, Code::kDeadline);
}

TEST(RunCommand, OutputBeyondTheLimitIsDropped) {
  const auto output = run_command(shell("head -c 100000 /dev/zero"), 20'000, 1000);
  ASSERT_TRUE(output.ok());
  EXPECT_EQ(output->standard_output.size(), 1000u);
}

}  // namespace
}  // namespace osiris
