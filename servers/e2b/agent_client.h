// The server's end of one sandbox's agent: calls with replies, and the ends of processes as they are reported.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "servers/e2b/agent/agent.h"
#include "servers/e2b/sandbox_init.h"

namespace osiris::e2b_server {

class AgentClient {
 public:
  using OnExit = std::function<void(int pid, int wait_status)>;  // on the reader thread

  // Starts the sandbox's first process and waits until the agent answers.
  static Result<std::unique_ptr<AgentClient>> launch(const InitConfig& config, OnExit on_exit);
  ~AgentClient();

  // [any thread] Blocks for the reply. When the sandbox is gone: error code "unavailable".
  Reply call(Json request);
  // Kills everything inside and waits until nothing is left. [any thread, once or more often]
  void kill();
  pid_t host_pid() const { return host_pid_; }

 private:
  AgentClient() = default;
  void read_loop();
  bool wait_until_ready();

  FileDescriptor socket_;
  pid_t monitor_ = -1;   // our child; ends after process 1 has been reaped
  pid_t host_pid_ = -1;  // process 1 of the sandbox, as the machine counts
  std::string failure_;  // what the sandbox said instead of being ready
  OnExit on_exit_;
  std::thread reader_;

  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t next_id_ = 1;
  std::map<int64_t, std::optional<Reply>> pending_;
  bool closed_ = false;
  std::mutex kill_mutex_;
  bool killed_ = false;
};

}  // namespace osiris::e2b_server
