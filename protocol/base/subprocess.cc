#include "protocol/base/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <system_error>

#include "protocol/base/file.h"

namespace osiris {
namespace {

// What the child tells its parent when it cannot become the program.
struct SpawnFailure {
  int error_number = 0;
  enum Stage : int { kNone, kDescriptors, kDirectory, kExec } stage = kNone;
};

struct Pipe {
  FileDescriptor parent, child;
};

Result<Pipe> make_pipe(bool parent_writes) {
  int ends[2];
  const int failed =
      parent_writes ? ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) : ::pipe2(ends, O_CLOEXEC);
  if (failed) return Error(Code::kExhausted, std::string("could not make a pipe: ") + std::strerror(errno));
  Pipe pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
  if (parent_writes) {
    ::shutdown(pipe.parent.get(), SHUT_RD);
  } else {
    ::fcntl(pipe.parent.get(), F_SETPIPE_SZ, 1 << 20);  // fewer wake-ups; a smaller pipe works too
  }
  ::fcntl(pipe.parent.get(), F_SETFL, O_NONBLOCK);
  return pipe;
}

constexpr int kNoStream = -1;  // /dev/null
constexpr int kInherited = -2;

// Everything the child needs, made before vfork: after it only system calls are allowed.
struct ChildSetup {
  std::array<int, 3> streams{};  // or one of the two below
  std::vector<char*> arguments;
  std::vector<char*> environment;
  const char* directory = nullptr;
  int parent_death_signal = 0;
  pid_t parent = 0;
  int failure_fd = -1;
};

[[noreturn]] void fail_child(const ChildSetup& plan, SpawnFailure::Stage stage) {
  const SpawnFailure failure{errno, stage};
  [[maybe_unused]] const ssize_t written = ::write(plan.failure_fd, &failure, sizeof failure);
  ::_exit(127);
}

void keep_only_standard_streams() {
  if (::syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) == 0) return;
  const long limit = ::sysconf(_SC_OPEN_MAX);  // before Linux 5.11
  for (int fd = 3; fd < (limit > 0 ? static_cast<int>(limit) : 1024); ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

[[noreturn]] void run_child(const ChildSetup& plan) {
  if (plan.parent_death_signal) {
    ::prctl(PR_SET_PDEATHSIG, plan.parent_death_signal);
    if (::getppid() != plan.parent) ::_exit(127);  // it died before the line above
  }
  ::setsid();
  // By system call: the C library refuses to touch the two signals it uses itself, which a parent may have left
  // ignored.
  const struct {
    void (*handler)(int) = nullptr;  // SIG_DFL
    unsigned long flags = 0;
    void (*restorer)() = nullptr;
    unsigned long mask = 0;
  } by_default;
  for (int number = 1; number < NSIG; ++number)
    ::syscall(SYS_rt_sigaction, number, &by_default, nullptr, sizeof(by_default.mask));
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);

  // First out of the way of 0..2, then into place.
  std::array<int, 3> moved{};
  const int null_fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (size_t i = 0; i < 3; ++i) {
    if (plan.streams[i] == kInherited) continue;
    moved[i] = ::fcntl(plan.streams[i] == kNoStream ? null_fd : plan.streams[i], F_DUPFD_CLOEXEC, 3);
    if (moved[i] < 0) fail_child(plan, SpawnFailure::kDescriptors);
  }
  for (size_t i = 0; i < 3; ++i) {
    if (plan.streams[i] == kInherited) continue;
    if (::dup2(moved[i], static_cast<int>(i)) < 0) fail_child(plan, SpawnFailure::kDescriptors);
  }
  keep_only_standard_streams();
  if (plan.directory && ::chdir(plan.directory) != 0) fail_child(plan, SpawnFailure::kDirectory);
  ::execve(plan.arguments[0], plan.arguments.data(), plan.environment.data());
  fail_child(plan, SpawnFailure::kExec);
}

// The child shares this process's memory until it becomes the program, so that a large process need not be copied; the
// calling thread waits meanwhile. run_child() writes to its own stack only.
pid_t start_child(const ChildSetup& plan) {
  const pid_t pid = ::vfork();
  if (pid == 0) run_child(plan);
  return pid;
}

Error spawn_error(const SpawnFailure& failure, const SpawnOptions& options) {
  switch (failure.stage) {
    case SpawnFailure::kDirectory:
      return errno_error(failure.error_number, "could not enter the directory", options.working_directory);
    case SpawnFailure::kExec:
      return errno_error(failure.error_number, "could not execute", options.arguments[0]);
    default:
      return Error(Code::kInternal,
                   std::string("could not prepare a child process: ") + std::strerror(failure.error_number));
  }
}

constexpr int64_t kPollMsMax = 3'600'000;

// Waits for a child that is ending and takes its status.
ExitStatus reap(pid_t pid) {
  int status = 0;
  pid_t reaped;
  do reaped = ::waitpid(pid, &status, 0);
  while (reaped < 0 && errno == EINTR);
  if (reaped != pid) return {false, -1};  // the program around us ignores SIGCHLD and the kernel took it
  if (WIFSIGNALED(status)) return {true, WTERMSIG(status)};
  return {false, WEXITSTATUS(status)};
}

// Of /proc/<pid>/stat: "pid (name) state parent group session ...". The name may hold anything; its last ')' ends it.
std::vector<pid_t> members_of_session(pid_t session) {
  std::vector<pid_t> members;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    const pid_t pid = static_cast<pid_t>(std::strtol(entry->path().filename().c_str(), nullptr, 10));
    if (pid <= 0) continue;
    const Result<std::string> stat = read_file(entry->path() / "stat", 4096);
    const size_t name_end = stat ? stat->rfind(") ") : std::string::npos;
    if (name_end == std::string::npos) continue;
    char state = 0;
    int parent = 0, group = 0, found = 0;
    if (std::sscanf(stat->c_str() + name_end + 2, "%c %d %d %d", &state, &parent, &group, &found) == 4 &&
        found == session && state != 'Z' && state != 'X')
      members.push_back(pid);
  }
  return members;
}

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

std::string ExitStatus::describe() const {
  if (!signaled) return "exited with status " + std::to_string(value);
  const char* name = ::sigabbrev_np(value);
  return "was killed by signal " + std::to_string(value) + (name ? " (SIG" + std::string(name) + ")" : "");
}

Result<Subprocess> Subprocess::spawn(const SpawnOptions& options) {
  if (options.arguments.empty() || options.arguments[0].empty() || options.arguments[0][0] != '/')
    return Error(Code::kInvalidArgument, "a program to run must be named by its absolute path");

  ChildSetup plan;
  Subprocess process;
  Pipe pipes[3];
  const SpawnOptions::Stream kinds[] = {options.standard_input, options.standard_output, options.standard_error};
  for (size_t i = 0; i < 3; ++i) {
    plan.streams[i] = kinds[i] == SpawnOptions::Stream::kInherit ? kInherited : kNoStream;
    if (kinds[i] != SpawnOptions::Stream::kPipe) continue;
    OSIRIS_ASSIGN(pipes[i], make_pipe(i == 0));
    plan.streams[i] = pipes[i].child.get();
  }
  int failure_ends[2];
  if (::pipe2(failure_ends, O_CLOEXEC))
    return Error(Code::kExhausted, std::string("could not make a pipe: ") + std::strerror(errno));
  FileDescriptor failure_read(failure_ends[0]), failure_write(failure_ends[1]);

  std::vector<std::string> environment;
  for (const auto& [name, value] : options.environment) environment.push_back(name + "=" + value);
  for (const std::string& argument : options.arguments) plan.arguments.push_back(const_cast<char*>(argument.c_str()));
  for (std::string& variable : environment) plan.environment.push_back(variable.data());
  plan.arguments.push_back(nullptr);
  plan.environment.push_back(nullptr);
  if (!options.working_directory.empty()) plan.directory = options.working_directory.c_str();
  plan.parent_death_signal = options.parent_death_signal;
  plan.parent = ::getpid();
  plan.failure_fd = failure_write.get();

  // No handler of ours may run in the child before it has reset them.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = start_child(plan);
  const int fork_error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  for (std::string& variable : environment) ::explicit_bzero(variable.data(), variable.size());
  if (pid < 0) return Error(Code::kExhausted, std::string("could not start a process: ") + std::strerror(fork_error));

  process.pid_ = pid;
  process.pidfd_ = FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  process.stdin_ = std::move(pipes[0].parent);
  process.stdout_ = std::move(pipes[1].parent);
  process.stderr_ = std::move(pipes[2].parent);
  failure_write.close();
  SpawnFailure failure;
  ssize_t got;
  do got = ::read(failure_read.get(), &failure, sizeof failure);
  while (got < 0 && errno == EINTR);
  if (got == static_cast<ssize_t>(sizeof failure)) {
    reap(pid);
    return spawn_error(failure, options);
  }
  if (!process.pidfd_.is_open()) {
    ::kill(-pid, SIGKILL);
    reap(pid);
    return Error(Code::kUnsupported, "this kernel has no pidfd_open (Linux 5.3 or later is needed)");
  }
  return process;
}

Subprocess::~Subprocess() {
  if (pid_ <= 0 || exit_ || !pidfd_.is_open()) return;
  kill_session();
  wait(-1);
}

std::optional<ExitStatus> Subprocess::poll_exit() { return wait(0); }

std::optional<ExitStatus> Subprocess::wait(int64_t timeout_ms) {
  if (exit_ || pid_ <= 0) return exit_;
  const int64_t end = now_ms() + timeout_ms;
  for (;;) {
    pollfd ended{pidfd_.get(), POLLIN, 0};
    const int64_t left = timeout_ms < 0 ? kPollMsMax : std::clamp<int64_t>(end - now_ms(), 0, kPollMsMax);
    const int ready = ::poll(&ended, 1, static_cast<int>(left));
    if (ready > 0) break;
    if (ready == 0 && timeout_ms >= 0 && now_ms() >= end) return std::nullopt;
  }
  // While the dead leader is not reaped its number cannot be given to another group: kill what it left, then reap.
  siginfo_t how{};
  const bool known = ::waitid(P_PID, static_cast<id_t>(pid_), &how, WEXITED | WNOWAIT) == 0;
  if (known && how.si_code == CLD_EXITED && how.si_status == 0) {
    signal_group(SIGKILL);
  } else {
    kill_session();
  }
  exit_ = reap(pid_);
  return exit_;
}

void Subprocess::signal_group(int signal_number) const {
  if (pid_ > 0 && !exit_) ::kill(-pid_, signal_number);
}

void Subprocess::kill_session() const {
  if (pid_ <= 0 || exit_) return;
  signal_group(SIGKILL);
  // A process may fork while we look: look again until nothing new turns up.
  std::set<pid_t> killed;
  for (size_t before = 1; before != killed.size();) {
    before = killed.size();
    for (const pid_t member : members_of_session(pid_)) {
      if (member != ::getpid() && killed.insert(member).second) ::kill(member, SIGKILL);
    }
  }
}

namespace {

// Sends what the reader has room for; false once nothing is left to send, or the reader is gone.
bool send_some(int fd, std::string_view& input) {
  const ssize_t sent = ::send(fd, input.data(), input.size(), MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN || errno == EINTR;
  input.remove_prefix(static_cast<size_t>(sent));
  return !input.empty();
}

}  // namespace

Result<CommandOutput> run_command(SpawnOptions options, int64_t timeout_ms, size_t bytes_max, std::string_view input) {
  options.standard_input = input.empty() ? SpawnOptions::Stream::kNull : SpawnOptions::Stream::kPipe;
  options.standard_output = options.standard_error = SpawnOptions::Stream::kPipe;
  OSIRIS_ASSIGN(Subprocess process, Subprocess::spawn(options));
  CommandOutput output;
  const int64_t end = now_ms() + timeout_ms;
  pollfd streams[] = {
      {process.stdout_fd(), POLLIN, 0}, {process.stderr_fd(), POLLIN, 0}, {process.stdin_fd(), POLLOUT, 0}};
  std::string* const texts[] = {&output.standard_output, &output.standard_error};
  std::string block(size_t{64} << 10, '\0');
  while (streams[0].fd >= 0 || streams[1].fd >= 0) {
    if (now_ms() >= end) break;
    ::poll(streams, 3, static_cast<int>(std::clamp<int64_t>(end - now_ms(), 0, kPollMsMax)));
    if (streams[2].fd >= 0 && streams[2].revents != 0 && !send_some(streams[2].fd, input)) {
      process.close_stdin();
      streams[2].fd = -1;
    }
    for (size_t i = 0; i < 2; ++i) {
      if (streams[i].fd < 0 || streams[i].revents == 0) continue;
      const ssize_t got = ::read(streams[i].fd, block.data(), block.size());
      if (got > 0) {
        texts[i]->append(block, 0, std::min(static_cast<size_t>(got), bytes_max - texts[i]->size()));
      } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        streams[i].fd = -1;
      }
    }
  }
  const auto exit = process.wait(std::max<int64_t>(0, end - now_ms()));
  if (!exit)
    return Error(Code::kDeadline, options.arguments[0] + " did not end within " + std::to_string(timeout_ms) + " ms");
  output.exit = *exit;
  return output;
}

}  // namespace osiris
