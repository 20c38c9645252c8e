// The byte channel to a worker in a sandbox: envd's process stream one way, StreamInput the other. A thread of its own reads the
// stream, another one sends, so that a slow network never holds up the loop that listens.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "plugins/e2b/api/envd.h"
#include "plugins/sdk/channel/channel.h"
#include "plugins/sdk/channel/waker.h"

namespace osiris::e2b {

struct ChannelOptions {
  std::string records_path;  // the worker's record log in the sandbox
  std::function<void(const std::string&)> log;
  http::Milliseconds retry_budget{30'000};  // of fetch_records()
};

class SandboxChannel : public sdk::Channel {
 public:
  // `sending` and `reading` are two clients of one sandbox, each used by one thread of the channel; all are borrowed.
  SandboxChannel(Envd& reading, Envd& sending, ApiClient& asking, const sdk::Waker& waker, ChannelOptions options);
  ~SandboxChannel() override;

  // Starts the worker and returns at once.
  void start(const StartSpec& spec);
  // Its pid, once envd has said it; everything else comes after.
  Result<int64_t> started(http::Milliseconds wait, const std::atomic<bool>& cancelled);

  Status send(std::string bytes) override;
  sdk::ReceiveOutcome receive(sdk::Incoming& into, int64_t timeout_ms) override;
  void close_input() override;
  void kill() override;
  sdk::Diagnosis diagnose() override;
  Status reopen() override;
  Result<std::string> fetch_records(uint64_t from_seq) override;

  // [any thread] The sandbox is known to be gone: receive() reports it.
  void declare_lost(const Error& error);

 private:
  std::unique_ptr<ProcessStream> starting_;

  void follow(std::unique_ptr<ProcessStream> stream);
  void read_loop();
  void send_loop();
  bool is_ending(const Error& error);
  void stop_reading();
  Result<std::string> fetch_records_once();
  sdk::ExitInfo lost(Error error) const;

  Envd& reading_;
  Envd& sending_;
  ApiClient& asking_;
  const sdk::Waker& waker_;
  const ChannelOptions options_;
  const sdk::Waker arrived_;  // something is in the queue below
  int64_t pid_ = 0;
  bool reopened_for_silence_ = false;  // since something was heard last

  std::mutex mutex_;
  std::condition_variable room_;
  std::deque<ProcessEvent> queue_;
  size_t queued_bytes_ = 0;
  std::optional<Error> broken_;  // the stream broke
  std::optional<Error> gone_;    // the sandbox is gone
  std::optional<sdk::ExitInfo> exit_;
  std::unique_ptr<ProcessStream> stream_;
  bool stop_reading_ = false;
  std::thread reader_;

  std::mutex send_mutex_;
  std::condition_variable send_changed_;
  std::deque<std::string> outbox_;
  bool stop_sending_ = false;
  std::atomic<bool> abort_sending_{false};
  std::optional<Error> send_error_;
  std::thread sender_;
};

}  // namespace osiris::e2b
