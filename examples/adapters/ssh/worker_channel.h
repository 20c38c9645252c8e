// The worker's byte channel: a client of `osiris-worker --hold` at the other end of an ssh. The connection may break;
// the worker lives on, and a new client attaches to it.
#pragma once

#include <osiris/sdk.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "connection.h"

namespace ssh_adapter {

// The status of the worker's session when a file did not arrive whole.
inline constexpr int kUploadFailed = 120;

class WorkerChannel : public sdk::ByteChannel {
 public:
  // `script` ends with the worker, to which arguments are added.
  struct Held {
    std::string script;
    std::string worker;     // its file there
    std::string directory;  // of the holder
    sdk::Milliseconds lease;
  };
  // What a session said.
  struct Heard {
    std::string output, log;
  };
  // Borrows connection and waker. `session` runs the lines that come on its stdin, and has said `heard`. It is kept by
  // its owner, too: the stream may be told to end and its end not awaited.
  WorkerChannel(const Connection& connection, std::shared_ptr<sdk::ProcessChannel> session, Held held, Heard heard,
                const sdk::Waker& waker);
  ~WorkerChannel() override;

  void send(std::string bytes) override { channel_->send(std::move(bytes)); }
  void close_input() override { channel_->close_input(); }
  sdk::Received receive(std::string& output, std::string& log, sdk::Milliseconds wait) override;
  void kill() override;
  sdk::Health health() override;
  bool reopen() override;

 private:
  void keep_renewing();
  // The holder's answer, within 4 s: 0, or 3 where no worker is held any more. Throws where there is none.
  int renew() const;
  std::string asked(const char* what) const { return held_.worker + " --hold " + held_.directory + " " + what; }

  const Connection& connection_;
  const Held held_;
  const sdk::Waker& waker_;
  std::shared_ptr<sdk::ProcessChannel> channel_;
  Heard heard_;  // that receive() has not handed on
  bool was_heard_ = false;
  bool is_broken_ = false;
  std::string said_;  // the end of stderr
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stopped_ = false;
  std::thread renewing_;
};

}  // namespace ssh_adapter
