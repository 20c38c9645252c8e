#include "servers/e2b/agent/agent.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "protocol/base/text.h"

namespace osiris::e2b_server {
namespace {

struct Usage {
  int64_t ticks = 0;
  int64_t rss_pages = 0;
  int64_t processes = 0;
};

// Of every process but the agent: what /proc says.
Usage usage_now() {
  Usage usage;
  DIR* proc = ::opendir("/proc");
  if (!proc) return usage;
  while (const dirent* item = ::readdir(proc)) {
    const int pid = std::atoi(item->d_name);
    if (pid <= 1 || pid == ::getpid()) continue;
    std::ifstream file("/proc/" + std::string(item->d_name) + "/stat");
    std::string text((std::istreambuf_iterator<char>(file)), {});
    const size_t after_name = text.rfind(')');
    if (after_name == std::string::npos) continue;
    std::istringstream fields(text.substr(after_name + 2));
    std::vector<std::string> columns{std::istream_iterator<std::string>(fields), {}};
    if (columns.size() < 22) continue;
    usage.ticks += std::atoll(columns[11].c_str()) + std::atoll(columns[12].c_str());
    usage.rss_pages += std::atoll(columns[21].c_str());
    ++usage.processes;
  }
  ::closedir(proc);
  return usage;
}

// Without a process-id namespace "everything" is the agent's descendants.
std::vector<pid_t> descendants() {
  std::vector<std::pair<pid_t, pid_t>> parent_of;
  DIR* proc = ::opendir("/proc");
  if (!proc) return {};
  while (const dirent* item = ::readdir(proc)) {
    const int pid = std::atoi(item->d_name);
    if (pid <= 1) continue;
    std::ifstream file("/proc/" + std::string(item->d_name) + "/stat");
    std::string text((std::istreambuf_iterator<char>(file)), {});
    const size_t after_name = text.rfind(')');
    if (after_name == std::string::npos) continue;
    parent_of.emplace_back(pid, std::atoi(text.c_str() + after_name + 4));
  }
  ::closedir(proc);
  std::set<pid_t> family{::getpid()};
  std::vector<pid_t> found;
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& [pid, parent] : parent_of)
      if (family.count(parent) && family.insert(pid).second) {
        found.push_back(pid);
        grew = true;
      }
  }
  return found;
}

class Agent {
 public:
  explicit Agent(const AgentConfig& config) : config_(config) {}

  int run() {
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &child, nullptr);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    const FileDescriptor signals(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!send_message(config_.socket, Json::object({{"event", "ready"}})).ok()) return 1;
    while (true) {
      pollfd polls[2] = {{config_.socket, POLLIN, 0}, {signals.get(), POLLIN, 0}};
      if (::poll(polls, 2, -1) < 0 && errno != EINTR) break;
      if (polls[1].revents) {
        signalfd_siginfo info[8];
        while (::read(signals.get(), info, sizeof info) > 0) continue;
        if (!reap()) break;
      }
      if (!polls[0].revents) continue;
      auto message = receive_message(config_.socket);
      if (!message.ok() || !message->has_value()) break;
      if (!answer((*message)->body)) break;
    }
    signal_everything(SIGKILL);
    return 0;
  }

 private:
  bool reap() {
    int status;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;)
      if (children_.erase(pid) &&
          !send_message(config_.socket, Json::object({{"event", "exit"}, {"pid", pid}, {"status", status}})).ok())
        return false;
    return true;
  }

  void signal_everything(int number) const {
    if (config_.prefix.empty()) {
      ::kill(-1, number);  // spares process 1, which is this one
      return;
    }
    // Again for what was started meanwhile; what has got the signal once is not asked again.
    std::set<pid_t> hit;
    for (bool more = true; more;) {
      more = false;
      for (const pid_t pid : descendants()) more |= hit.insert(pid).second && ::kill(pid, number) == 0;
    }
  }

  bool answer(const Json& request) {
    Reply reply = perform(request);
    Json body = Json::object({{"id", request["id"]}});
    if (reply.error)
      body.set("error", Json::object({{"code", reply.error->code}, {"message", reply.error->message}}));
    else
      body.set("ok", std::move(reply.ok));
    std::vector<int> fds;
    for (const FileDescriptor& fd : reply.fds) fds.push_back(fd.get());
    return send_message(config_.socket, body, fds).ok();
  }

  Reply perform(const Json& request) {
    const std::string& op = request["op"].as_string();
    if (op == "spawn") {
      Reply reply = spawn_process(config_, request);
      if (!reply.error) children_.insert(static_cast<pid_t>(reply.ok["pid"].as_int()));
      return reply;
    }
    if (op == "watch") return watch_directory(config_, request);
    if (op == "dial") return dial_port(request);
    if (op == "signal") return signal_one(request);
    if (op == "freeze" || op == "thaw") {
      signal_everything(op == "freeze" ? SIGSTOP : SIGCONT);
      return {};
    }
    if (op == "usage") {
      const Usage usage = usage_now();
      Reply reply;
      reply.ok = Json::object({{"cpu_ms", usage.ticks * 1000 / ::sysconf(_SC_CLK_TCK)},
                               {"rss_bytes", usage.rss_pages * ::sysconf(_SC_PAGESIZE)},
                               {"processes", usage.processes}});
      return reply;
    }
    return file_operation(config_, op, request);
  }

  Reply signal_one(const Json& request) {
    const pid_t pid = static_cast<pid_t>(request["pid"].as_int());
    if (pid > 1 && children_.count(pid) && ::kill(pid, static_cast<int>(request["signal"].as_int())) == 0) return {};
    return Reply::failure("not_found", "process with pid " + std::to_string(pid) + " not found");
  }

  const AgentConfig& config_;
  std::set<pid_t> children_;  // started for the server and not yet reaped
};

}  // namespace

int run_agent(const AgentConfig& config) { return Agent(config).run(); }

std::optional<Account> find_account(const AgentConfig& config, const std::string& name) {
  const std::string& wanted = name.empty() ? config.default_user : name;
  std::ifstream file(config.prefix + "/etc/passwd");
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> columns = split(line, ':');
    if (columns.size() < 7 || columns[0] != wanted) continue;
    Account account{wanted, static_cast<unsigned>(std::atol(columns[2].c_str())),
                    static_cast<unsigned>(std::atol(columns[3].c_str())), columns[5]};
    if (!config.can_switch_user) {
      account.uid = ::geteuid();
      account.gid = ::getegid();
    }
    return account;
  }
  return std::nullopt;
}

Reply unknown_account(const std::string& name) {
  return Reply::failure("unauthenticated", "invalid username: '" + name + "'");
}

std::string resolve_path(const AgentConfig& config, const Account& account, const std::string& path) {
  std::string full = path;
  if (path.empty() || path == "~")
    full = account.home;
  else if (path.starts_with("~/"))
    full = account.home + path.substr(1);
  else if (path[0] != '/')
    full = account.home + "/" + path;
  full = std::filesystem::path(full).lexically_normal().string();
  if (full.size() > 1 && full.back() == '/') full.pop_back();
  if (config.prefix.empty()) return full;
  for (const char* own : {"/home", "/tmp", "/root", "/etc/passwd"})
    if (full == own || full.starts_with(std::string(own) + "/")) return config.prefix + full;
  return full;
}

std::string shown_path(const AgentConfig& config, const std::string& path) {
  if (config.prefix.empty() || !path.starts_with(config.prefix + "/")) return path;
  return path.substr(config.prefix.size());
}

}  // namespace osiris::e2b_server
