// The daemon half of one sandbox: its agent, its processes, its directory. The control-plane half (names, timeouts, who
// may ask) is registry.h.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "servers/e2b/agent_client.h"
#include "servers/e2b/process.h"

namespace osiris::e2b_server {

struct StartSpec {
  ProcessConfig process;
  std::string user;  // empty: the default
  Json pty_size;     // {"cols","rows"} for a terminal
  std::optional<std::chrono::milliseconds> deadline;
};

template <class T>
struct AgentResult {
  T value{};
  std::optional<AgentError> error;
};

class Sandbox {
 public:
  // Takes over `directory` (a layer): destroy() removes it.
  static Result<std::shared_ptr<Sandbox>> launch(const InitConfig& config, std::filesystem::path directory);
  ~Sandbox();

  // [any thread] all below
  Reply call(Json request) { return agent_->call(std::move(request)); }
  AgentResult<std::shared_ptr<Process>> start(const StartSpec& spec, const Json& default_envs);
  std::shared_ptr<Process> find(int pid);
  // As envd: the search ends at the first tagged process, also when its tag is another (with two tags: use pids).
  std::shared_ptr<Process> find_tag(const std::string& tag);
  std::vector<std::shared_ptr<Process>> running();
  // False: no such process.
  bool signal(int pid, int number);

  // Pause: every process stops and every connection dies.
  void freeze();
  void thaw();
  // Only the processes; connections stay.
  void stop_processes();
  // Kills everything inside, cuts its streams, removes its directory. Returns when nothing is left.
  void destroy();
  // As destroy(), but the files stay: the caller takes the directory over.
  void stop_keeping_files();
  bool is_gone() const;

  // A stream that has to be cut when the sandbox dies or is paused but belongs to no process (watch).
  void attach(const std::shared_ptr<Subscriber>& stream);
  void detach(const std::shared_ptr<Subscriber>& stream);

  const std::filesystem::path& directory() const { return directory_; }
  pid_t host_pid() const { return agent_->host_pid(); }

 private:
  explicit Sandbox(std::filesystem::path directory) : directory_(std::move(directory)) {}
  void on_exit(int pid, int wait_status);
  void forget_old();
  void shut_down(bool remove_files);

  std::filesystem::path directory_;
  std::unique_ptr<AgentClient> agent_;
  mutable std::mutex mutex_;
  std::map<int, std::shared_ptr<Process>> processes_;
  std::map<int, int> early_exits_;  // reported before start() knew the pid
  std::vector<std::shared_ptr<Subscriber>> streams_;
  bool gone_ = false;
  std::mutex destroy_mutex_;
  bool destroyed_ = false;
};

}  // namespace osiris::e2b_server
