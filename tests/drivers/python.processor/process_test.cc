// How a script ends, and that nothing of it goes on.
#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>

#include <fstream>

#include "protocol/base/subprocess.h"
#include "tests/drivers/python.processor/python_step.h"
#include "tests/support/eventually.h"

namespace osiris::worker::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

bool is_running(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(stat, line)) return false;
  const size_t end = line.rfind(") ");
  return end != std::string::npos && line[end + 2] != 'Z' && line[end + 2] != 'X';
}

// Waits until none of them runs; the kernel takes a moment to end a killed one.
void expect_gone(const std::vector<pid_t>& pids) {
  for (const pid_t pid : pids) EXPECT_TRUE(osiris::test::eventually([&] { return !is_running(pid); })) << pid;
}

// Starts a child in a session of its own that ignores SIGTERM, and a grandchild of a dead parent; writes both ids.
constexpr std::string_view kEscapees =
    "import signal, subprocess, time\n"
    "sleeper = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(0, flush=True); "
    "time.sleep(1000)'\n"
    "def escape():\n"
    "    child = subprocess.Popen([sys.executable, '-c', sleeper], start_new_session=True, stdout=subprocess.PIPE, "
    "env={})\n"
    "    child.stdout.readline()\n"
    "    middle = 'import subprocess, sys; p = subprocess.Popen([sys.executable, \"-c\", sys.argv[1]], "
    "start_new_session=True, stdout=subprocess.PIPE); p.stdout.readline(); print(p.pid)'\n"
    "    orphan = int(subprocess.run([sys.executable, '-c', middle, sleeper], stdout=subprocess.PIPE, "
    "check=True).stdout)\n"
    "    return [os.getpid(), child.pid, orphan]\n"
    "def tell(pids):\n"
    "    with open(step['params']['pids'] + '.part', 'w') as out: out.write(' '.join(map(str, pids)))\n"
    "    os.rename(step['params']['pids'] + '.part', step['params']['pids'])\n";

class PythonProcess : public PythonStep {
 protected:
  std::string pids_file() const { return (step.work_dir() / "pids").string(); }
  std::vector<pid_t> pids() const {
    std::ifstream file(pids_file());
    std::vector<pid_t> all;
    for (pid_t pid; file >> pid;) all.push_back(pid);
    return all;
  }
  void set_escaping(std::string_view then) {
    set_code(step, std::string(kEscapees) + "tell(escape())\n" + std::string(then),
             {{"params", Json::object({{"pids", pids_file()}})}});
  }
};

TEST_F(PythonProcess, ANonZeroExitShowsTheLastLines) {
  set_code(step, "print('on the way')\nraise ValueError('bad row 7')\n");
  const std::string text = failure();
  EXPECT_EQ(code, Code::kStepFailed);
  EXPECT_THAT(text, HasSubstr("the step's code exited with status 1"));
  EXPECT_THAT(text, HasSubstr("ValueError: bad row 7"));
  EXPECT_THAT(text, HasSubstr("File \"step.py\", line"));
  EXPECT_THAT(text, Not(HasSubstr("scratch/"))) << "a path nobody knows";
  EXPECT_THAT(text, Not(HasSubstr("on the way"))) << "stdout is no part of the error";
  EXPECT_THAT(logged(), HasSubstr("on the way"));
}

TEST_F(PythonProcess, AnExitStatusIsShown) {
  set_code(step, "sys.exit(77)\n");
  EXPECT_THAT(failure(), HasSubstr("exited with status 77"));
}

TEST_F(PythonProcess, ASyntaxErrorNamesFileAndLine) {
  step.write_file("etl/broken.py", "x = 1\ndef (:\n");
  step.set_config({{"script", "etl/broken.py"}});
  const std::string text = failure();
  EXPECT_THAT(text, HasSubstr("File \"etl/broken.py\", line 2"));
  EXPECT_THAT(text, HasSubstr("SyntaxError"));
}

TEST_F(PythonProcess, ASignalIsNamed) {
  set_code(step, "os.kill(os.getpid(), 9)\n");
  EXPECT_THAT(failure(), HasSubstr("was killed by signal 9 (SIGKILL)"));
  set_code(step, "os.abort()\n");
  EXPECT_THAT(failure(), HasSubstr("SIGABRT"));
}

TEST_F(PythonProcess, WithoutASupervisorItIsTheSame) {
  step.set_setting("supervisor", "");
  set_code(step, "os.kill(os.getpid(), 9)\n");
  EXPECT_THAT(failure(), HasSubstr("was killed by signal 9 (SIGKILL)"));
  set_code(step, "write([{'x': 1}])\n");
  expect_success();
}

TEST_F(PythonProcess, AMissingModuleNamesTheFlags) {
  set_code(step, "import no_such_package\n");
  const std::string text = failure();
  EXPECT_THAT(text, HasSubstr("needs the Python module 'no_such_package'"));
  EXPECT_THAT(text, HasSubstr("--local-install-deps"));
  EXPECT_THAT(text, HasSubstr("--e2b-install-deps"));
}

TEST_F(PythonProcess, StdinIsEmptyAndNeverWaitedFor) {
  set_code(step, "write([{'read': sys.stdin.read()}])\n");
  expect_success();
  EXPECT_EQ(step.query("SELECT read = '' FROM {out}"), "true\n");
}

TEST_F(PythonProcess, AFloodIsCutAndDoesNotBlock) {
  set_code(step,
           "line = 'x' * 90 + '\\n'\n"
           "for i in range(3000): sys.stdout.write(line * 100)\n"
           "for i in range(300): sys.stderr.write(line * 100)\n"
           "sys.stdout.write('y' * 50000000)\n"
           "write([{'x': 1}])\n");
  expect_success();
  EXPECT_LE(step.logs().size(), 10'010u);
  EXPECT_THAT(logged(), HasSubstr("too much output"));
  EXPECT_THAT(step.logs().back(), HasSubstr("lines of output were not logged"));
}

TEST_F(PythonProcess, BytesThatAreNoTextAreReplaced) {
  set_code(step, "sys.stdout.buffer.write(b'\\xff\\x00\\x1b[31mred\\r\\n')\nsys.stdout.flush()\nwrite([{'x': 1}])\n");
  expect_success();
  EXPECT_THAT(logged(), HasSubstr("???[31mred\n"));
}

TEST_F(PythonProcess, WhatItStartedDoesNotOutliveASuccess) {
  set_escaping("write([{'x': 1}])\n");
  expect_success();
  ASSERT_EQ(pids().size(), 3u);
  expect_gone(pids());
}

TEST_F(PythonProcess, WhatItStartedDoesNotOutliveAFailure) {
  set_escaping("sys.exit(1)\n");
  failure();
  ASSERT_EQ(pids().size(), 3u);
  expect_gone(pids());
}

TEST_F(PythonProcess, CancelEndsItWithAllItStarted) {
  set_escaping("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('::progress 1')\ntime.sleep(1000)\n");
  step.cancel_at_progress(1);
  failure();
  EXPECT_EQ(code, Code::kCancelled);
  ASSERT_EQ(pids().size(), 3u);
  expect_gone(pids());
}

TEST_F(PythonProcess, CancelEndsAStoppedOne) {
  set_code(step, "import signal\nprint('::progress 1')\nos.kill(os.getpid(), signal.SIGSTOP)\n");
  step.cancel_at_progress(1);
  failure();
  EXPECT_EQ(code, Code::kCancelled);
}

// A script may do that itself where it runs as the worker's user.
TEST_F(PythonProcess, CancelEndsOneWhoseSupervisorIsStopped) {
  set_code(step, "import time\nprint(f'::progress {os.getppid()}')\ntime.sleep(1000)\n");
  step.on_progress([](uint64_t supervisor) { ::kill(static_cast<pid_t>(supervisor), SIGSTOP); });
  step.cancel_at_progress(1);
  failure();
  EXPECT_EQ(code, Code::kCancelled);
}

TEST_F(PythonProcess, OneOfRootsCannotSignalItsSupervisor) {
  set_code(step,
           "import signal\ntry:\n    os.kill(os.getppid(), 0)\n    reached = True\nexcept PermissionError:\n    "
           "reached = False\n"
           "if reached != (os.stat(f'/proc/{os.getppid()}').st_uid == os.getuid()): sys.exit(3)\n"
           "write([{'a': 1}])\n");
  expect_success();
}

TEST_F(PythonProcess, CancelLetsItCleanUp) {
  const std::string mark = (step.work_dir() / "cleaned").string();
  set_code(step,
           "import signal, time\ndef end(*_):\n    open(" + std::string("step['params']['mark']") +
               ", 'w').close()\n    sys.exit(0)\nsignal.signal(signal.SIGTERM, end)\nprint('::progress "
               "1')\ntime.sleep(1000)\n",
           {{"params", Json::object({{"mark", mark}})}});
  step.cancel_at_progress(1);
  failure();
  EXPECT_TRUE(std::filesystem::exists(mark));
}

TEST_F(PythonProcess, AChildThatHoldsThePipesDoesNotKeepTheStep) {
  set_code(step,
           "import subprocess\nsubprocess.Popen(['/bin/sleep', '1000'], start_new_session=True)\nwrite([{'x': 1}])\n");
  expect_success();
}

// The supervisor as a program.
CommandOutput supervise(std::vector<std::string> program) {
  SpawnOptions options;
  options.arguments = {worker_program(), "--supervise"};
  options.arguments.insert(options.arguments.end(), program.begin(), program.end());
  auto output = run_command(options, 60'000);
  EXPECT_TRUE(output.ok());
  return output.ok() ? *output : CommandOutput{};
}

TEST(Supervisor, EndsAsItsProgramEnds) {
  EXPECT_EQ(supervise({"/bin/sh", "-c", "exit 7"}).exit.value, 7);
  EXPECT_TRUE(supervise({"/bin/sh", "-c", "exit 0"}).exit.success());
  const ExitStatus killed = supervise({"/bin/sh", "-c", "kill -15 $$"}).exit;
  EXPECT_TRUE(killed.signaled);
  EXPECT_EQ(killed.value, SIGTERM);
}

TEST(Supervisor, EndsAProgramThatDoesNotListen) {
  SpawnOptions options;
  options.arguments = {worker_program(), "--supervise", "/bin/sh", "-c",
                       "trap '' TERM; echo ready; while :; do /bin/sleep 1000; done"};
  auto supervisor = Subprocess::spawn(options);
  ASSERT_TRUE(supervisor.ok());
  pollfd ready{supervisor->stdout_fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&ready, 1, 60'000), 1);
  ::kill(supervisor->pid(), SIGTERM);
  const auto exit = supervisor->wait(60'000);
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->value, 128 + SIGTERM);
}

TEST(Supervisor, SaysWhatItCannotExecute) {
  const CommandOutput output = supervise({"/nowhere/program"});
  EXPECT_EQ(output.exit.value, 127);
  EXPECT_THAT(output.standard_error, HasSubstr("/nowhere/program"));
}

}  // namespace
}  // namespace osiris::worker::test
