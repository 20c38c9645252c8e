#include "bench/worker_latency.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "protocol/base/json.h"

namespace osiris::bench {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// A worker over one socket pair, spoken to line by line.
class Worker {
 public:
  explicit Worker(const std::string& path) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    pid_ = vfork();
    if (pid_ == 0) {
      dup2(ends[1], 0);
      dup2(ends[1], 1);
      dup2(open("/dev/null", O_WRONLY), 2);
      execl(path.c_str(), path.c_str(), nullptr);
      _exit(127);
    }
    close(ends[1]);
    fd_ = ends[0];
  }
  ~Worker() {
    close(fd_);
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  void send(const std::string& line) {
    if (write(fd_, line.data(), line.size()) < 0) std::abort();
  }

  std::string line() {
    for (;;) {
      if (const size_t end = buffer_.find('\n'); end != std::string::npos) {
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return line;
      }
      char block[65536];
      const ssize_t got = read(fd_, block, sizeof block);
      if (got <= 0) {
        std::fprintf(stderr, "bench: the worker ended\n");
        std::exit(1);
      }
      buffer_.append(block, static_cast<size_t>(got));
    }
  }

  void wait_for(const std::string& id) {
    const std::string mark = "\"id\":\"" + id + "\"";
    while (line().find(mark) == std::string::npos) {
    }
  }

 private:
  pid_t pid_;
  int fd_;
  std::string buffer_;
};

}  // namespace

double ms_to_first_message(const std::string& worker) {
  const auto start = Clock::now();
  Worker process(worker);
  process.line();
  return ms_since(start);
}

double ms_per_noop_step(const std::string& worker, const std::string& directory, int steps) {
  Worker process(worker);
  process.line();
  Json plan_steps = Json::array();
  for (int i = 0; i < steps; ++i) {
    const std::string id = "noop-" + std::to_string(i);
    plan_steps.push_back(Json::object({{"id", id},
                                       {"component", "mock"},
                                       {"driver", "mock"},
                                       {"mode", "transform"},
                                       {"needs", Json::array()},
                                       {"cfg_path", "cfg/" + id + ".json"},
                                       {"cfg", Json::object({{"component", "mock"}})},
                                       {"inputs", Json::object()},
                                       {"outputs", Json::array()},
                                       {"input_files", Json::array()}}));
  }
  const Json prepare = Json::object({{"id", "p"},
                                     {"method", "prepare"},
                                     {"params", Json::object({{"protocol", 1},
                                                              {"run_id", "bench"},
                                                              {"session_dir", directory},
                                                              {"work_dir", directory},
                                                              {"plan", Json::object({{"steps", plan_steps}})},
                                                              {"settings", Json::object({{"allow_mock", true}})}})}});
  process.send(prepare.dump() + "\n");
  process.wait_for("p");
  const auto start = Clock::now();
  for (int i = 0; i < steps; ++i) {
    const std::string id = std::to_string(i);
    process.send("{\"id\":\"" + id + "\",\"method\":\"execute_step\",\"params\":{\"step_id\":\"noop-" + id + "\"}}\n");
    process.wait_for(id);
  }
  return ms_since(start) / steps;
}

}  // namespace osiris::bench
