// A run watched on a terminal.
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

struct Shown {
  std::string text;
  int exit = -1;
};

// Runs osiris with a pty as its terminal; presses Ctrl-C (the key, not the signal) once `press_after` was shown.
Shown on_terminal(const Project& project, std::vector<std::string> arguments, const std::string& press_after = "",
                  std::vector<std::string> more_environment = {}) {
  const SpawnOptions options = project.spawn_options(std::move(arguments));
  std::vector<std::string> environment = std::move(more_environment);
  for (const auto& [name, value] : options.environment) environment.push_back(name + "=" + value);
  std::vector<char*> argv, envp;
  for (const std::string& argument : options.arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  for (const std::string& variable : environment) envp.push_back(const_cast<char*>(variable.c_str()));
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  winsize size{30, 100, 0, 0};
  int terminal = -1;
  const pid_t pid = forkpty(&terminal, nullptr, nullptr, &size);
  if (pid == 0) {
    if (::chdir(options.working_directory.c_str()) != 0) _exit(126);
    ::execve(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  Shown shown;
  bool pressed = press_after.empty();
  for (;;) {
    pollfd ready{terminal, POLLIN, 0};
    if (::poll(&ready, 1, 30'000) <= 0) {
      ADD_FAILURE() << "the terminal is silent: " << shown.text;
      ::kill(pid, SIGKILL);
      break;
    }
    char block[4096];
    const ssize_t got = ::read(terminal, block, sizeof block);
    if (got <= 0) break;
    shown.text.append(block, static_cast<size_t>(got));
    if (!pressed && shown.text.find(press_after) != std::string::npos) {
      pressed = true;
      EXPECT_EQ(::write(terminal, "\x03", 1), 1);
    }
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  ::close(terminal);
  shown.exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return shown;
}

TEST(Terminal, ShowsLiveLinesAndASummaryTable) {
  Project project;
  project.write("p.yaml", oml("p", {mock_step("slow", "rows: 1234, sleep_ms: 400"), mock_step("next", "", "slow")}));
  const Shown shown = on_terminal(project, {"run", "p.yaml", "--allow-mock"});
  EXPECT_EQ(shown.exit, 0) << shown.text;
  EXPECT_NE(shown.text.find("slow"), std::string::npos);
  EXPECT_NE(shown.text.find("\x1b[1A"), std::string::npos) << "nothing was redrawn: " << shown.text;
  EXPECT_EQ(shown.text.find("Starting..."), std::string::npos) << shown.text;
  EXPECT_NE(shown.text.find("Duration"), std::string::npos) << shown.text;
  EXPECT_NE(shown.text.find("1,234"), std::string::npos) << shown.text;
  EXPECT_NE(shown.text.find("\x1b[32m"), std::string::npos);
  EXPECT_NE(shown.text.find("Session: "), std::string::npos);
}

TEST(Terminal, RespectsNoColor) {
  Project project;
  project.write("p.yaml", oml("p", {mock_step("slow", "rows: 5, sleep_ms: 300")}));
  const Shown shown = on_terminal(project, {"run", "p.yaml", "--allow-mock"}, "", {"NO_COLOR=1"});
  EXPECT_EQ(shown.exit, 0) << shown.text;
  EXPECT_EQ(shown.text.find("\x1b[32m"), std::string::npos) << shown.text;
  EXPECT_NE(shown.text.find("\x1b[1A"), std::string::npos) << shown.text;
}

TEST(Terminal, TheCtrlCKeyCancels) {
  Project project;
  project.write("p.yaml", oml("p", {mock_step("stuck", "hang: politely")}));
  const Shown shown = on_terminal(project, {"run", "p.yaml", "--allow-mock"}, "stuck");
  EXPECT_EQ(shown.exit, 130) << shown.text;
  EXPECT_NE(shown.text.find("Session: "), std::string::npos) << shown.text;
  EXPECT_EQ(project.status()["reason"].as_string(), "cancelled");
}

}  // namespace
}  // namespace osiris::e2e
