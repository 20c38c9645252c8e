#include "servers/e2b/agent_client.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>

extern char** environ;

namespace osiris::e2b_server {
namespace {

constexpr int kReadyTimeoutMs = 20'000;

// Process 1 can be read from inside, so it gets nothing of the server's environment but what sanitizers want.
std::vector<char*> bare_environment() {
  std::vector<char*> kept;
  for (char** variable = environ; *variable; ++variable)
    if (std::string_view(*variable).find("SAN_OPTIONS=") < 4)  // ASAN_, TSAN_, UBSAN_, LSAN_
      kept.push_back(*variable);
  kept.push_back(nullptr);
  return kept;
}

Result<pid_t> spawn_init(const InitConfig& config, int socket) {
  const std::string text = config.to_json().dump();
  std::string program = "osiris-e2b-sandbox", flag = "--sandbox-init", argument = text;
  char* argv[] = {program.data(), flag.data(), argument.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, 2, 1);  // the server's stdout belongs to its one line
  ::posix_spawn_file_actions_adddup2(&actions, socket, kAgentSocket);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = -1;
  const int failed = ::posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, argv, bare_environment().data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (failed != 0) return Error(Code::kInternal, std::string("starting a sandbox: ") + std::strerror(failed));
  return pid;
}

}  // namespace

Result<std::unique_ptr<AgentClient>> AgentClient::launch(const InitConfig& config, OnExit on_exit) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return Error(Code::kExhausted, std::string("socketpair: ") + std::strerror(errno));
  std::unique_ptr<AgentClient> client(new AgentClient);
  client->socket_ = FileDescriptor(ends[0]);
  const FileDescriptor other(ends[1]);
  // dup2 onto itself would keep close-on-exec, so the other end must not happen to have the agent's number.
  FileDescriptor theirs(::fcntl(other.get(), F_DUPFD_CLOEXEC, kAgentSocket + 1));
  client->on_exit_ = std::move(on_exit);
  OSIRIS_ASSIGN(client->monitor_, spawn_init(config, theirs.get()));
  theirs.close();
  if (!client->wait_until_ready()) {
    client->kill();
    const std::string why = client->failure_.empty() ? "no answer" : client->failure_;
    return Error(Code::kInternal, "the sandbox's first process did not come up: " + why);
  }
  client->reader_ = std::thread([raw = client.get()] { raw->read_loop(); });
  return client;
}

AgentClient::~AgentClient() { kill(); }

bool AgentClient::wait_until_ready() {
  while (true) {
    pollfd ready{socket_.get(), POLLIN, 0};
    if (::poll(&ready, 1, kReadyTimeoutMs) <= 0) return false;
    const auto message = receive_message(socket_.get());
    if (!message.ok() || !message->has_value()) return false;
    const std::string& event = (*message)->body["event"].as_string();
    if (event == "launched") host_pid_ = static_cast<pid_t>((*message)->body["host_pid"].as_int());
    if (event == "ready") return host_pid_ > 0;
    if (event == "failed") {
      failure_ = (*message)->body["message"].as_string();
      return false;
    }
  }
}

void AgentClient::read_loop() {
  while (true) {
    auto message = receive_message(socket_.get());
    if (!message.ok() || !message->has_value()) break;
    const Json& body = (*message)->body;
    if (body["event"].as_string() == "exit") {
      on_exit_(static_cast<int>(body["pid"].as_int()), static_cast<int>(body["status"].as_int()));
      continue;
    }
    Reply reply;
    reply.fds = std::move((*message)->fds);
    if (const Json* error = body.find("error"))
      reply.error = AgentError{(*error)["code"].as_string(), (*error)["message"].as_string()};
    else
      reply.ok = body["ok"];
    std::lock_guard lock(mutex_);
    const auto waiting = pending_.find(body["id"].as_int());
    if (waiting != pending_.end()) waiting->second = std::move(reply);
    changed_.notify_all();
  }
  std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

Reply AgentClient::call(Json request) {
  std::unique_lock lock(mutex_);
  const int64_t id = next_id_++;
  request.set("id", id);
  pending_.emplace(id, std::nullopt);
  lock.unlock();
  const Status sent = send_message(socket_.get(), request);
  lock.lock();
  if (sent.ok()) changed_.wait(lock, [&] { return closed_ || pending_[id].has_value(); });
  std::optional<Reply> reply = std::move(pending_[id]);
  pending_.erase(id);
  if (!reply) return Reply::failure("unavailable", "the sandbox is gone");
  return *std::move(reply);
}

void AgentClient::kill() {
  std::lock_guard lock(kill_mutex_);
  if (killed_) return;
  killed_ = true;
  // Process 1 takes its whole process-id namespace along. Without namespaces the agent kills its descendants when the
  // socket closes, so there it must not be killed first.
  ::shutdown(socket_.get(), SHUT_RDWR);
  if (monitor_ > 0 && host_pid_ > 0 && host_pid_ != monitor_) ::kill(host_pid_, SIGKILL);
  if (monitor_ > 0 && host_pid_ <= 0) ::kill(monitor_, SIGKILL);
  int status;
  while (monitor_ > 0 && ::waitpid(monitor_, &status, 0) < 0 && errno == EINTR) continue;
  if (reader_.joinable()) reader_.join();
}

}  // namespace osiris::e2b_server
