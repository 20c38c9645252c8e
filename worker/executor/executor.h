// The dataflow executor: steps are asked for in any order, start when the outputs they need exist, and run side by side
// on a bounded number of threads: those that compute up to Run::threads, those that wait for a server or a child
// process (Driver::waits) up to Run::parallel. The first failure stops the run: running steps are stopped, the
// others are skipped and name that first cause. A step that goes on after failures of its shards stops nothing: what
// needs all of its rows is skipped, what runs shard by shard is not. Outputs are freed as soon as nothing in the plan
// can read them any more.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/model/artifact.h"
#include "protocol/rpc/messages.h"
#include "worker/executor/run.h"
#include "worker/executor/step_control.h"
#include "worker/executor/step_runner.h"

namespace osiris::worker {

// The outcome of a request: its result, or why there is none.
using RequestResult = std::variant<Json, Error>;
// Called once, on any thread, without locks held.
using Reply = std::function<void(RequestResult)>;

class Executor {
 public:
  // `plan` says who reads which output; steps outside it keep theirs until finish().
  Executor(Run run, Plan plan, RecordSink& sink, Log& log, const Clock& clock);
  ~Executor();  // cancels, waits for the running steps
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Makes the threads without which no step runs, or none ends when its time is over. kExhausted: the machine has none.
  Status begin();
  // Makes what the steps that use the run's database would have to make when they begin, as long as the run goes on.
  void make_ahead();
  // Runs a step of the plan, or one that brings all it needs.
  void execute(std::string_view step_id, Reply reply);
  void execute(PlanStep step, Reply reply);
  // As if the step had run here and left this output.
  Status put_relation(std::string_view step_id, std::shared_ptr<const Relation> relation);
  // Calls back when the step has ended.
  void get_relation(std::string_view step_id, std::function<void(Result<std::shared_ptr<const Relation>>)> reply);
  // Replies when every step asked for before has ended; outputs are freed then.
  void finish(Reply reply);
  void cancel(std::string_view reason);

  // No step is running or waiting.
  bool idle() const;
  // Waits until no step runs; false when the time is up first.
  bool wait_idle(std::chrono::milliseconds time);
  std::vector<rpc::StepProgress> progress() const;
  const Run& run() const { return run_; }

 private:
  // kIncomplete: shards of it failed, and its relation has the rows of the others.
  enum class State { kUnknown, kWaiting, kRunning, kSucceeded, kIncomplete, kFailed };
  struct Node {
    PlanStep step;
    State state = State::kUnknown;  // kUnknown: named by others, not asked for yet
    Reply reply;
    std::vector<std::string> dependents;  // asked for, not ended
    bool waits = false;                   // its driver does
    size_t open_needs = 0;
    std::string incomplete;  // the step whose missing shards are why this one gives no rows, or not all; empty: none
    size_t readers = 0;      // steps of the plan that read the output and have not ended
    bool in_plan = false;    // then `readers` is all there will be
    std::shared_ptr<const Relation> relation;
    bool freed = false;
    StepControl control;
    int64_t started_ns = 0;
    std::vector<std::function<void(Result<std::shared_ptr<const Relation>>)>> waiting_readers;
  };
  using Calls = std::vector<std::function<void()>>;  // to be made without the lock

  Node& node(std::string_view id);
  void ask(PlanStep step, Reply reply);
  void start_if_ready(Node& node, Calls& calls);
  void succeeded(Node& node, std::shared_ptr<const Relation> relation, Calls& calls);
  void came_incomplete(Node& node, std::shared_ptr<const Relation> relation, Calls& calls);
  void skip_without(const std::string& incomplete, Node& node, Calls& calls);
  void skip(Node& node, Calls& calls);
  void say_skipped(Node& node, Json cause, std::string why, Calls& calls);
  void stop_run(Stop reason, Calls& calls);
  void reader_gone(const PlanStep& step);
  void free_if_unread(Node& node);
  void tell_readers(Node& node, Calls& calls);
  void skip_stranded(Calls& calls);
  std::string skip_reason() const;
  void finish_if_done(Calls& calls);
  void answered();  // a skipped step's answer is sent
  void work();
  // The next three with the lock. How many steps may start now, and one of them, those that wait first.
  size_t startable() const;
  Node& take_ready();
  void wake(size_t threads);  // as many threads look for a step; they are made where they are missing
  bool begin_worker();        // false: the machine has no more threads
  void run_step(Node& node);
  void ended(Node& running, StepEnd end);
  // Of streams (executor_streams.cc); the first two with the lock.
  Relations stored_inputs(const Node& reader);
  bool may_stream(const Node& source) const;
  bool may_keep(const PlanStep& reader) const;
  const PlanStep* planned_reader(std::string_view id) const;
  Node* only_reader(const Node& source);
  std::vector<StreamReader> claim_readers(Node& source, std::vector<Node*>& readers);
  void give_back(std::vector<Node*>& readers, size_t kept);
  void watch_running();  // with the lock
  void watch();

  const Run run_;
  const Plan plan_;
  std::map<std::string_view, const PlanStep*> plan_steps_;  // by id
  RecordSink& sink_;
  Log& log_;
  const Clock& clock_;
  StepRunner runner_;

  mutable std::mutex mutex_;
  std::condition_variable work_, idle_, watch_;
  std::map<std::string, std::unique_ptr<Node>, std::less<>> nodes_;
  std::deque<Node*> ready_to_wait_, ready_to_compute_;
  std::set<Node*> running_;  // on a thread now
  size_t asked_ = 0, ended_ = 0, answered_ = 0, completed_ = 0, executed_ = 0;
  size_t active_ = 0;     // ready or running
  size_t busy_ = 0;       // threads with a step in hand, its last records included
  size_t computing_ = 0;  // those of them whose step does not wait
  uint64_t rows_read_ = 0, rows_written_ = 0;
  std::vector<Artifact> artifacts_;
  std::optional<std::string> first_failed_;
  bool never_asked_ = false;  // the first cause did not fail: it never came
  bool cancelled_ = false, closing_ = false;
  Reply finish_reply_;
  std::vector<std::thread> workers_;
  std::thread watcher_;
};

}  // namespace osiris::worker
