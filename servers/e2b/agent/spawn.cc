// Starts one process as envd does: as the wanted account, with an environment of its own, in the wanted directory. A
// missing program is no error of the call but a process that ends with 127, as a shell would say it.
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>

#include <cerrno>
#include <cstring>

#include "servers/e2b/agent/agent.h"

namespace osiris::e2b_server {
namespace {

// Counted per user namespace, which is per sandbox: a fork bomb takes no other sandbox along.
constexpr rlimit kProcesses{8192, 8192};

struct Streams {
  FileDescriptor child_in, child_out, child_err;  // the process's ends
  std::vector<FileDescriptor> server;             // the server's ends, in the order of the reply
  bool terminal = false;
};

bool open_pipe(FileDescriptor& read_end, FileDescriptor& write_end) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  read_end = FileDescriptor(ends[0]);
  write_end = FileDescriptor(ends[1]);
  return true;
}

bool open_terminal(const Json& size, const Account& account, Streams& streams) {
  streams.terminal = true;
  FileDescriptor master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  char name[128];
  if (!master.is_open() || ::unlockpt(master.get()) != 0 || ::ptsname_r(master.get(), name, sizeof name) != 0)
    return false;
  streams.child_in = FileDescriptor(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!streams.child_in.is_open()) return false;
  // Refused without the right to change owners; then the terminal belongs to the same account anyway.
  if (::fchown(streams.child_in.get(), account.uid, account.gid) != 0) errno = 0;
  winsize window{};
  window.ws_col = static_cast<unsigned short>(size["cols"].as_int());
  window.ws_row = static_cast<unsigned short>(size["rows"].as_int());
  ::ioctl(master.get(), TIOCSWINSZ, &window);
  streams.server.push_back(std::move(master));
  return true;
}

bool open_pipes(bool with_stdin, Streams& streams) {
  FileDescriptor in_write, out_read, err_read;
  if (with_stdin) {
    if (!open_pipe(streams.child_in, in_write)) return false;
    streams.server.push_back(std::move(in_write));
  } else {
    streams.child_in = FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!streams.child_in.is_open()) return false;
  }
  if (!open_pipe(out_read, streams.child_out) || !open_pipe(err_read, streams.child_err)) return false;
  streams.server.push_back(std::move(out_read));
  streams.server.push_back(std::move(err_read));
  return true;
}

std::vector<char*> c_strings(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

bool become(const AgentConfig& config, const Account& account) {
  if (!config.can_switch_user) return true;
  return ::setgroups(0, nullptr) == 0 && ::setresgid(account.gid, account.gid, account.gid) == 0 &&
         ::setresuid(account.uid, account.uid, account.uid) == 0;
}

[[noreturn]] void fail_child(const std::string& cmd, const char* reason, int exit_code) {
  const std::string text = "/bin/sh: 1: exec: " + cmd + ": " + reason + "\n";
  if (::write(2, text.data(), text.size()) < 0) ::_exit(125);
  ::_exit(exit_code);
}

[[noreturn]] void run_child(const AgentConfig& config, const Account& account, const std::string& cwd, Streams& streams,
                            std::vector<std::string>& args, std::vector<std::string>& envs) {
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int in = streams.child_in.get();
  if (streams.terminal) {
    ::setsid();
    ::ioctl(in, TIOCSCTTY, 0);
  }
  // Kept above 2 by the agent, which never runs with its standard descriptors closed.
  ::dup2(in, 0);
  ::dup2(streams.terminal ? in : streams.child_out.get(), 1);
  ::dup2(streams.terminal ? in : streams.child_err.get(), 2);
  ::syscall(SYS_close_range, 3u, ~0u, 0u);
  ::umask(022);
  if (config.prefix.empty()) ::setrlimit(RLIMIT_NPROC, &kProcesses);
  if (!become(config, account)) fail_child(args[0], "cannot take on the account", 126);
  if (::chdir(cwd.c_str()) != 0) fail_child(args[0], "cannot enter the working directory", 126);
  const std::vector<char*> argv = c_strings(args);
  const std::vector<char*> envp = c_strings(envs);
  for (const std::string& variable : envs)
    if (variable.starts_with("PATH=")) ::setenv("PATH", variable.c_str() + 5, 1);
  ::execvpe(args[0].c_str(), argv.data(), envp.data());
  const bool missing = errno == ENOENT || errno == ENOTDIR;
  fail_child(args[0], missing ? "not found" : std::strerror(errno), missing ? 127 : 126);
}

}  // namespace

Reply spawn_process(const AgentConfig& config, const Json& request) {
  const auto account = find_account(config, request["user"].as_string());
  if (!account) return unknown_account(request["user"].as_string());

  std::vector<std::string> args{request["cmd"].as_string()};
  for (const Json& arg : request["args"].items()) args.push_back(arg.as_string());
  Json merged = Json::object({{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                              {"HOME", config.prefix.empty() ? account->home : resolve_path(config, *account, "~")},
                              {"USER", account->name},
                              {"LOGNAME", account->name}});
  if (!config.prefix.empty()) merged.set("TMPDIR", config.prefix + "/tmp");
  for (const auto& [name, value] : request["envs"].members()) merged.set(name, value);
  std::vector<std::string> envs;
  for (const auto& [name, value] : merged.members()) envs.push_back(name + "=" + value.as_string());

  const std::string asked = request["cwd"].as_string();
  const std::string cwd = resolve_path(config, *account, asked);
  struct stat info{};
  if (::stat(cwd.c_str(), &info) != 0 || !S_ISDIR(info.st_mode))
    return Reply::failure("invalid_argument", "cwd '" + shown_path(config, cwd) + "' does not exist");

  Streams streams;
  const bool opened = request["pty"].is_object() ? open_terminal(request["pty"], *account, streams)
                                                 : open_pipes(request["stdin"].as_bool(true), streams);
  if (!opened) return Reply::failure("internal", std::string("opening the process's streams: ") + std::strerror(errno));

  const pid_t pid = ::fork();
  if (pid < 0) return Reply::failure("internal", std::string("fork: ") + std::strerror(errno));
  if (pid == 0) run_child(config, *account, cwd, streams, args, envs);
  Reply reply;
  reply.ok = Json::object({{"pid", pid}});
  reply.fds = std::move(streams.server);
  return reply;
}

}  // namespace osiris::e2b_server
