// Runs one pipeline over a byte channel: sends everything at once, then only listens, until `finish` is answered or the
// worker is no more. The same for every adapter; whatever differs is behind Channel.
//
//   records     taken in the order of their numbers; duplicates dropped, gaps asked for again (`replay`)
//   silence     after `silence_ms` the channel is asked why; a stall shorter than `stall_limit_ms` never fails a run
//   cancel      `cancel` is sent, then `cancel_grace_ms` later the worker is killed
//   events      passed on, but for the names that are the adapters' own (resource_*, sandbox_*, ...): those are dropped
//   the end     `shutdown`, end of file, and after `shutdown_ms` kill: run() returns with the worker gone
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "plugins/sdk/abi/host.h"
#include "plugins/sdk/channel/channel.h"
#include "plugins/sdk/channel/waker.h"
#include "plugins/sdk/run/opening.h"
#include "plugins/sdk/run/step_board.h"
#include "plugins/sdk/run/wire_log.h"
#include "plugins/sdk/run/worker_log.h"
#include "protocol/base/json.h"
#include "protocol/model/artifact.h"
#include "protocol/rpc/conversation.h"
#include "protocol/rpc/frames.h"
#include "protocol/rpc/messages.h"
#include "protocol/rpc/params.h"

namespace osiris::sdk {

struct RunLoopOptions {
  // Hold the opening back until the worker said hello and is the right one. Costs a round trip; where that is nothing,
  // no secret is ever sent to a wrong program.
  bool open_after_hello = false;
  // Ask the worker to exit after the run. Off where the whole place it runs in is given back anyway.
  bool shutdown_worker = true;
  bool awaits_worker = true;  // one that was asked to, until it did; after shutdown_ms it is killed
  int64_t hello_timeout_ms = 15'000;
  int64_t silence_ms = 3'000;
  int64_t stall_limit_ms = 120'000;
  int64_t cancel_grace_ms = 700;
  int64_t shutdown_ms = 2'000;
  int64_t deadline_monotonic_ns = 0;  // 0: none
  // Asked at every turn; may be empty. An error ends the run as its deadline does, but what is complete is packed, for
  // which the worker has early_grace_ms.
  std::function<std::optional<Error>()> ends_early;
  int64_t early_grace_ms = 0;
  std::string worker_name;  // for messages: its path, or "in sandbox abc"
  // Where the plan's paths are on the worker's machine. Events and errors name them as they are called here, so that a
  // message reads the same wherever a pipeline ran.
  std::vector<rpc::PathMapping> path_map;
};

struct RunOutcome {
  // OK; kStepFailed: the pipeline failed; kCancelled, kDeadline; anything else is the adapter's own failure.
  Status status;
  Json result;                        // the document "result"
  std::vector<Artifact> artifacts;    // what the worker wrote, with its paths there
  std::optional<rpc::Packed> packed;  // where Opening asked for it
  std::optional<ExitInfo> worker_exit;
  bool said_hello = false;  // the worker did: before that nothing of the run has happened

  // A field of the status's detail ("class", "step_id", ...); null where there is none.
  const Json& detail(std::string_view field) const {
    static const Json null;
    return status ? null : status.error().detail[field];
  }
};

class RunLoop {
 public:
  // Borrows all of them. `plan_steps`: the steps of the request's manifest.
  RunLoop(const Host& host, Channel& channel, const Waker& waker, WireLog& wire_log, RunLoopOptions options);

  // Once: begin() and finish().
  RunOutcome run(const std::vector<PlanStep>& plan_steps, Opening opening);
  // Sends the opening, to a worker that may take it later, and returns.
  void begin(const std::vector<PlanStep>& plan_steps, Opening opening);
  // From the moment on at which the worker may be heard; on any one thread.
  RunOutcome finish();

 private:
  void start(Opening opening);
  void open();
  bool is_over() const { return (finished_ && !packing_) || failure_ || closed_; }
  void step();  // one receive and what follows from it
  int64_t next_timeout_ms() const;

  // Frames and records.
  void feed(std::string_view bytes);
  void take_frame(rpc::Frame frame);
  void take_record(rpc::Record record);
  void take(const rpc::Hello& hello);
  void take(const rpc::Response& response, const rpc::Conversation::PendingRequest& asked);
  void take(const rpc::Event& event);
  void take(const rpc::Metric& metric);
  void take(const rpc::Heartbeat& heartbeat);
  void name_paths(std::string& text) const;
  void name_paths(Json& json) const;
  void name_paths(Error& error) const;
  void report_garbage(const rpc::Frame& garbage);
  void report_progress();
  void ask_for_missing();
  void send(rpc::Request request);

  // The worker's health.
  void check_cancel();
  std::optional<Error> stop_reason() const;
  void check_hello();
  void check_silence();
  void take_diagnosis(const Diagnosis& diagnosis);
  void recover(const std::string& why);
  void close(ExitInfo exit);
  void fetch_missing();

  // The end.
  void end_worker();
  void wait_closed(int64_t limit_ms);
  RunOutcome conclude();
  Error crash_error() const;
  Json crash_detail() const;
  void fail(Error error, Json detail = {});

  const Host& host_;
  Channel& channel_;
  const Waker& waker_;
  WireLog& wire_log_;
  const RunLoopOptions options_;
  WorkerLog log_;

  rpc::FrameParser parser_;
  rpc::Conversation conversation_;
  StepBoard board_{{}};
  std::optional<Opening> held_opening_;  // until hello
  std::string expected_version_, expected_specs_;

  std::optional<rpc::Hello> hello_;
  bool finished_ = false;  // `finish` was answered with a result
  Json finish_result_;
  bool packing_ = false;  // `pack` was asked for and is not answered
  std::optional<rpc::Packed> packed_;
  std::optional<Error> failure_;  // the adapter's own
  std::optional<ExitInfo> closed_;
  std::optional<Error> cancel_;  // kCancelled or kDeadline, once asked for
  bool is_early_ = false;        // cancel_ is of ends_early
  bool killed_ = false;
  bool stream_was_broken_ = false;  // ever: what a dead worker said last may have got lost

  int64_t started_ms_ = 0;  // all of these are monotonic
  int64_t heard_ms_ = 0;
  int64_t hello_since_ms_ = 0;
  int64_t cancel_until_ms_ = 0;
  int64_t diagnose_at_ms_ = 0;
  int64_t replay_asked_ms_ = 0;
  uint64_t replay_from_ = 0;
  int replays_in_vain_ = 0;
  uint64_t behind_at_ = 0;
  uint64_t garbage_lines_ = 0;
  uint64_t foreign_events_ = 0;
  std::string unreadable_;  // why the last thing that is no record is none
};

}  // namespace osiris::sdk
