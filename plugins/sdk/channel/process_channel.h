// The channel to a worker that is a child process of ours: three pipes and a pidfd, all in one poll, no thread.
#pragma once

#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "plugins/sdk/channel/channel.h"
#include "plugins/sdk/channel/waker.h"
#include "protocol/base/subprocess.h"

namespace osiris::sdk {

class ProcessChannel : public Channel {
 public:
  struct Program {
    std::filesystem::path path;  // absolute
    std::vector<std::string> arguments;
    std::vector<std::pair<std::string, std::string>> environment;
    std::filesystem::path working_directory;
  };
  // Borrows the waker. The child must end before the calling thread does: the kernel ends it with that thread, which is
  // how it ends with a killed host.
  static Result<std::unique_ptr<ProcessChannel>> start(const Program& program, const Waker& waker);
  static Result<Subprocess> spawn(const Program& program);
  ProcessChannel(Subprocess process, const Waker& waker) : process_(std::move(process)), waker_(waker) {}
  ~ProcessChannel() override;

  pid_t pid() const { return process_.pid(); }

  Status send(std::string bytes) override;
  size_t unsent() const;  // bytes
  ReceiveOutcome receive(Incoming& into, int64_t timeout_ms) override;
  void close_input() override;
  // SIGTERM first, on which a worker ends its own children; SIGKILL for its whole session soon after.
  void kill() override;
  Diagnosis diagnose() override;

 private:
  void flush();
  void drop_queue();
  bool read_all(int fd, bool& open, std::string& into);
  ReceiveOutcome closed(const ExitStatus& exit) const;

  Subprocess process_;
  const Waker& waker_;
  std::unique_ptr<char[]> block_;  // of a read
  std::deque<std::string> queue_;
  size_t sent_of_first_ = 0;
  bool close_input_ = false;
  bool output_open_ = true;
  bool log_open_ = true;
  int64_t kill_at_ms_ = 0;  // monotonic; 0: not asked for
};

}  // namespace osiris::sdk
