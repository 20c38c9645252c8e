// The byte channel to a worker on a remote machine: its process's stream one way, calls the other. A thread of its own
// reads the stream, another one sends, so that a slow network never holds up the loop that listens.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "plugins/sdk/channel/remote_process.h"
#include "plugins/sdk/channel/waker.h"

namespace osiris::sdk {

// What a channel needs of the machine besides its processes; all called from the loop's thread, but for `log`.
struct ChannelContext {
  std::string machine_id;
  // Asks the service, within 2 s, whether the machine is no more.
  std::function<Result<bool>()> is_gone;
  // The worker's record log, from its beginning.
  std::function<std::unique_ptr<ByteStream>()> open_records;
  std::function<void(const std::string&)> log;  // [any thread]
  Milliseconds retry_budget{30'000};            // of fetch_records()
};

class StreamedChannel : public Channel {
 public:
  // All are borrowed.
  StreamedChannel(const Service& service, RemoteProcesses& processes, const Waker& waker, ChannelContext context);
  ~StreamedChannel() override;

  // Starts the worker and returns at once.
  void start(const StartSpec& spec);
  // Its pid, once the stream has said it; everything else comes after.
  Result<int64_t> started(Milliseconds wait, const std::atomic<bool>& cancelled);

  Status send(std::string bytes) override;
  ReceiveOutcome receive(Incoming& into, int64_t timeout_ms) override;
  void close_input() override;
  void kill() override;
  Diagnosis diagnose() override;
  Status reopen() override;
  Result<std::string> fetch_records(uint64_t from_seq) override;

  // [any thread] The machine is known to be gone: receive() reports it.
  void declare_lost(const Error& error);

 private:
  std::unique_ptr<ProcessStream> starting_;

  Status follow(std::unique_ptr<ProcessStream> stream);  // kExhausted: this machine has no more threads
  void read_loop();
  void send_loop();
  void send_now(std::string bytes);
  bool is_ending(const Error& error);
  void stop_reading();
  Result<std::string> fetch_records_once();
  ExitInfo lost(Error error) const;

  const Service& service_;
  RemoteProcesses& processes_;
  const Waker& waker_;
  const ChannelContext context_;
  const Waker arrived_;  // something is in the queue below
  int64_t pid_ = 0;
  bool reopened_for_silence_ = false;  // since something was heard last

  std::mutex mutex_;
  std::condition_variable room_;
  std::deque<ProcessEvent> queue_;
  size_t queued_bytes_ = 0;
  std::optional<Error> broken_;  // the stream broke
  std::optional<Error> gone_;    // the machine is gone
  std::optional<ExitInfo> exit_;
  std::unique_ptr<ProcessStream> stream_;
  bool stop_reading_ = false;
  std::thread reader_;

  std::mutex send_mutex_;
  std::condition_variable send_changed_;
  std::deque<std::string> outbox_;
  bool stop_sending_ = false;
  std::atomic<bool> abort_sending_{false};
  std::optional<Error> send_error_;
  std::thread sender_;  // not joinable: this machine has no more, and send() waits for the network
};

}  // namespace osiris::sdk
