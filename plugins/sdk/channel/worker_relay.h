// One stream to a machine for many runs: a relay there (`osiris-worker --relay`) runs one worker after the other. A run
// is handed over, package and opening in one call, while the one before it is still at work, and what it packed comes
// back in the stream where it is small. For the run loop each run has a channel of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/sdk/channel/streamed_channel.h"

namespace osiris::sdk {

// Of one run, on the machine.
struct RelayedRun {
  std::string directory;                  // made where it is missing; the worker works in it
  std::string package_path;               // where `package` goes
  std::string package;                    // empty: the package is there already
  std::string result_path;                // what the run packs
  std::string records_path;               // its record log
  std::vector<std::string> drivers = {};  // of the run: its worker gets ready for them before its turn
  // Called where its machine gives it up before its turn, on the thread that listens; may be empty.
  std::function<void()> dropped = {};
};

class RelayedChannel;

class WorkerRelay {
 public:
  // What comes back in the stream at most; more is to be fetched.
  static constexpr uint64_t kResultBytesMax = uint64_t{256} << 10;

  // All are borrowed. `open_file`: a file of the machine, from its beginning.
  WorkerRelay(const Service& service, RemoteProcesses& processes, const Waker& waker, ChannelContext context,
              std::function<std::unique_ptr<ByteStream>(const std::string& path)> open_file);

  // As those of StreamedChannel.
  void start(const StartSpec& spec) { stream_.start(spec); }
  Result<int64_t> started(Milliseconds wait, const std::atomic<bool>& cancelled) {
    return stream_.started(wait, cancelled);
  }
  void declare_lost(const Error& error) { stream_.declare_lost(error); }

  // [any thread] The next run; it is handed over by the first thing that is sent. One run at a time is listened to, in
  // their order, on one thread. The channel must not outlive the relay.
  std::unique_ptr<RelayedChannel> next(RelayedRun run);

 private:
  friend class RelayedChannel;
  // What came of a run and was not taken.
  struct Heard {
    std::string output;
    std::optional<std::string> result;
    std::optional<ExitInfo> exit;
    bool missed = false;  // the stream was opened again since it was handed over
    std::function<void()> dropped;
  };

  ReceiveOutcome receive(uint64_t run, Incoming& into, int64_t timeout_ms);
  Status reopen(uint64_t run);
  void forget(uint64_t run);
  void end(uint64_t run);
  void split(std::string_view bytes);
  void take_line(std::string_view line);
  std::optional<std::string> take_result(uint64_t run);

  const std::function<std::unique_ptr<ByteStream>(const std::string& path)> open_file_;
  std::string records_path_;  // of the run whose records are asked for
  std::mutex mutex_;          // of what follows
  std::map<uint64_t, Heard> heard_;
  uint64_t last_ = 0;
  std::string line_;         // begun
  bool skips_line_ = false;  // its beginning went by
  StreamedChannel stream_;   // ends first
};

class RelayedChannel : public Channel {
 public:
  RelayedChannel(WorkerRelay& relay, uint64_t number, RelayedRun run)
      : relay_(relay), number_(number), run_(std::move(run)) {}
  ~RelayedChannel() override { relay_.forget(number_); }

  Status send(std::string bytes) override;
  ReceiveOutcome receive(Incoming& into, int64_t timeout_ms) override {
    return relay_.receive(number_, into, timeout_ms);
  }
  void close_input() override {}
  void kill() override;
  Diagnosis diagnose() override { return relay_.stream_.diagnose(); }
  Status reopen() override { return relay_.reopen(number_); }
  Result<std::string> fetch_records(uint64_t from_seq) override;
  // [any thread] Asks for it back: it is dropped, or its turn has come.
  void drop();

  // What the run packed, once its end was heard; nullopt: it has to be fetched.
  std::optional<std::string> take_result() { return relay_.take_result(number_); }

 private:
  WorkerRelay& relay_;
  const uint64_t number_;
  RelayedRun run_;
  bool handed_over_ = false;
};

}  // namespace osiris::sdk
