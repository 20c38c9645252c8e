#include "worker/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "protocol/base/own_user.h"
#include "worker/memory_policy.h"
#include "worker/process_tree.h"

namespace osiris::worker {
namespace {

constexpr int64_t kGrace_ns = 250'000'000;  // from SIGTERM to SIGKILL
constexpr int kCannotExecute = 127;

[[noreturn]] void become(char** program, const char* user, pid_t parent, const sigset_t& signals_before) {
  if (user && !become_user(static_cast<uid_t>(std::strtoul(user, nullptr, 10)))) {
    std::fprintf(stderr, "cannot start %s as user %s: %s\n", program[0], user, std::strerror(errno));
    ::_exit(kCannotExecute);
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kCannotExecute);
  ::setpgid(0, 0);
  ::sigprocmask(SIG_SETMASK, &signals_before, nullptr);
  ::execv(program[0], program);
  std::fprintf(stderr, "cannot execute %s: %s\n", program[0], std::strerror(errno));
  ::_exit(kCannotExecute);
}

int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// The next signal; -1 once `until_ns` is over (0: never).
int next_signal(const sigset_t& watched, int64_t until_ns) {
  for (;;) {
    const int64_t left_ns = until_ns - now_ns();
    if (until_ns != 0 && left_ns <= 0) return -1;
    const timespec left = {.tv_sec = 0, .tv_nsec = static_cast<long>(left_ns)};
    const int number = until_ns != 0 ? ::sigtimedwait(&watched, nullptr, &left) : ::sigwaitinfo(&watched, nullptr);
    if (number > 0) return number;
  }
}

// Ends this process as the program ended.
int end_like(int status) {
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  const int number = WTERMSIG(status);
  const rlimit none = {0, 0};
  ::setrlimit(RLIMIT_CORE, &none);  // the dump would be ours
  ::signal(number, SIG_DFL);
  sigset_t only;
  ::sigemptyset(&only);
  ::sigaddset(&only, number);
  ::sigprocmask(SIG_UNBLOCK, &only, nullptr);
  ::raise(number);
  return 128 + number;
}

}  // namespace

int supervise(char** program) {
  const char* user = nullptr;
  if (std::strcmp(program[0], "--as") == 0 && program[1] && program[2]) {
    user = program[1];
    program += 2;
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  lift_data_limit();  // the worker's is for what its engine does not count
  sigset_t watched, before;
  ::sigemptyset(&watched);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) ::sigaddset(&watched, number);
  ::sigprocmask(SIG_BLOCK, &watched, &before);

  const pid_t self = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) {
    std::fprintf(stderr, "cannot start %s: %s\n", program[0], std::strerror(errno));
    return kCannotExecute;
  }
  if (child == 0) become(program, user, self, before);

  ::setpgid(child, child);  // the child does it too; the first of the two calls counts
  int64_t until_ns = 0;
  for (int number; (number = next_signal(watched, until_ns)) > 0;) {
    if (number != SIGCHLD) {
      if (until_ns != 0) continue;
      until_ns = now_ns() + kGrace_ns;
      ::kill(-child, SIGTERM);
      ::kill(-child, SIGCONT);  // a stopped one would not hear it
      continue;
    }
    int status = 0;
    for (pid_t ended; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (ended != child) continue;
      kill_descendants();
      return end_like(status);
    }
  }
  kill_descendants();
  return 128 + SIGTERM;
}

}  // namespace osiris::worker
