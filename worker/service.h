// Requests in, records out: the worker's side of docs/worker-protocol.md. Fed by main with whole frames on one thread;
// steps and background work answer from theirs.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/rpc/frames.h"
#include "protocol/rpc/messages.h"
#include "protocol/rpc/params.h"
#include "worker/executor/executor.h"
#include "worker/log.h"
#include "worker/periodic_thread.h"
#include "worker/records/record_stream.h"
#include "worker/relation_transfer.h"
#include "worker/run_setup.h"

namespace osiris::worker {

class Service {
 public:
  struct Options {
    int out_fd = 1;
    std::string version;
    // Of the run to come, where they are known: what they need is begun before `prepare`.
    std::vector<std::string> drivers_ahead = {};
    // Called on any thread when the adapter stopped reading, so that main can end.
    std::function<void()> on_reader_gone;
    // Called on any thread for an error after which the worker cannot go on, `fatal` having been written.
    std::function<void()> on_fatal;
  };
  Service(Options options, Log& log, const Clock& clock);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  void hello();
  void handle(rpc::Frame frame);
  // `shutdown` was asked for and answered.
  bool wants_exit() const { return wants_exit_; }
  // True once a secret may have been in what was handled last: the caller wipes its buffer.
  bool take_had_secrets() { return std::exchange(had_secrets_, false); }

  // Stops the steps, waits for them at most `limit`, writes what is queued if the adapter `reads`, removes the
  // worker's own directory. False when a step would not stop: then only _exit() ends the process.
  bool leave(std::string_view reason, std::chrono::milliseconds limit, bool reads);
  // No step was running or waiting.
  bool idle() const;

 private:
  struct Method {
    std::string_view name;
    void (Service::*call)(rpc::Request request);
    bool needs_run;  // `prepare` has to come first
  };
  static const Method kMethods[];

  void handle_request(rpc::Request request);
  void ping(rpc::Request request);
  void prepare(rpc::Request request);
  void shutdown(rpc::Request request);
  void execute_step(rpc::Request request);
  void finish(rpc::Request request);
  void pack(rpc::Request request);
  void cancel(rpc::Request request);
  void replay(rpc::Request request);
  void put_relation(rpc::Request request);
  void get_relation(rpc::Request request);
  Result<Json> start_run(rpc::PrepareParams params);
  static Json drivers_of(const RunSetup& setup);
  void announce_run(const RunSetup& setup);
  void beat();
  Reply reply_of_step(const std::string& id);                     // its outputs are packed, where that was asked for
  void answer(const std::string& id, RequestResult outcome);      // numbered
  void answer_now(const std::string& id, RequestResult outcome);  // not numbered, never waits
  void in_background(std::function<void()> work);                 // or here, where the machine has no more threads
  bool begin_background(const std::function<void()>& work);       // false: it has none
  void join_background();

  const Options options_;
  Log& log_;
  const Clock& clock_;
  RecordStream stream_;
  std::shared_ptr<EngineAhead> engine_ahead_;
  std::shared_ptr<Database> database_;
  std::filesystem::path worker_dir_;
  std::unique_ptr<Executor> executor_;           // from prepare on
  std::unique_ptr<RelationTransfer> relations_;  // likewise
  std::unique_ptr<PeriodicThread> heartbeat_, memory_keeper_;
  struct PackRequest;
  std::unique_ptr<PackRequest> pack_request_;
  std::mutex background_mutex_;
  std::vector<std::thread> background_;
  bool wants_exit_ = false;
  bool had_secrets_ = false;
};

}  // namespace osiris::worker
