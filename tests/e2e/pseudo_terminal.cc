#include "tests/e2e/pseudo_terminal.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "protocol/base/file.h"
#include "tests/support/eventually.h"

namespace osiris::e2e {

namespace fs = std::filesystem;

PseudoTerminal::PseudoTerminal(const Project& project, std::vector<std::string> arguments,
                               std::vector<std::string> more_environment) {
  const SpawnOptions options = project.spawn_options(std::move(arguments));
  std::vector<std::string> environment = std::move(more_environment);
  for (const auto& [name, value] : options.environment) environment.push_back(name + "=" + value);
  std::vector<char*> argv, envp;
  for (const std::string& argument : options.arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  for (const std::string& variable : environment) envp.push_back(const_cast<char*>(variable.c_str()));
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  winsize size{30, 100, 0, 0};
  pid_ = forkpty(&terminal_, nullptr, nullptr, &size);
  if (pid_ == 0) {
    if (::chdir(options.working_directory.c_str()) != 0) _exit(126);
    ::execve(argv[0], argv.data(), envp.data());
    _exit(127);
  }
}

PseudoTerminal::~PseudoTerminal() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  ::close(terminal_);
}

void PseudoTerminal::type(std::string_view keys) const {
  EXPECT_EQ(::write(terminal_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
}

bool PseudoTerminal::read_some() {
  pollfd ready{terminal_, POLLIN, 0};
  if (::poll(&ready, 1, 30'000) <= 0) {
    ADD_FAILURE() << "the terminal is silent: " << text_;
    ::kill(pid_, SIGKILL);
    return false;
  }
  char block[4096];
  const ssize_t got = ::read(terminal_, block, sizeof block);
  if (got > 0) text_.append(block, static_cast<size_t>(got));
  return got > 0;
}

void PseudoTerminal::until(std::string_view wanted) {
  size_t at = text_.find(wanted, seen_);
  while (at == std::string::npos && read_some()) at = text_.find(wanted, seen_);
  ASSERT_NE(at, std::string::npos) << "'" << wanted << "' was not shown: " << text_;
  seen_ = at + wanted.size();
}

void PseudoTerminal::until_it_has_a_child() const {
  const auto has_a_child = [&] {
    std::error_code code;
    for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(pid_) + "/task", code))
      if (const auto children = read_file(task.path() / "children"); children.ok() && !children->empty()) return true;
    return false;
  };
  ASSERT_TRUE(test::eventually(has_a_child));
}

int PseudoTerminal::end() {
  while (read_some()) {
  }
  int status = 0;
  ::waitpid(pid_, &status, 0);
  ::close(terminal_);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace osiris::e2e
