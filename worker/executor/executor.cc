#include "worker/executor/executor.h"

#include <algorithm>
#include <utility>

#include "protocol/base/categories.h"
#include "worker/executor/step_records.h"

namespace osiris::worker {
namespace {

RequestResult failure(Error error, Json detail = {}) {
  if (!detail.is_null()) error.detail = std::move(detail);
  return error;
}

void make(std::vector<std::function<void()>>& calls) {
  for (const auto& call : calls) call();
  calls.clear();
}

bool reads_in_shards(const PlanStep& step, std::string_view from_step) {
  return std::any_of(step.inputs.begin(), step.inputs.end(),
                     [&](const PlanInput& input) { return input.in_shards && input.from_step == from_step; });
}

}  // namespace

Executor::Executor(Run run, Plan plan, RecordSink& sink, Log& log, const Clock& clock)
    : run_(std::move(run)),
      plan_(std::move(plan)),
      sink_(sink),
      log_(log),
      clock_(clock),
      runner_(run_, sink, log, clock) {
  for (const PlanStep& step : plan_.steps) {
    plan_steps_.emplace(step.id, &step);
    node(step.id).in_plan = true;
    for (const PlanInput& input : step.inputs) ++node(input.from_step).readers;
    for (const std::string& source : sources_of_checks(step)) ++node(source).readers;
  }
}

Executor::~Executor() {
  cancel("the worker ends");
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  work_.notify_all();
  for (std::thread& worker : workers_) worker.join();
  watch_.notify_all();
  if (watcher_.joinable()) watcher_.join();
}

Executor::Node& Executor::node(std::string_view id) {
  const auto found = nodes_.find(id);
  if (found != nodes_.end()) return *found->second;
  auto made = std::make_unique<Node>();
  made->step.id = id;
  return *nodes_.emplace(std::string(id), std::move(made)).first->second;
}

void Executor::execute(std::string_view step_id, Reply reply) {
  const auto step = plan_steps_.find(step_id);
  if (step == plan_steps_.end()) {
    reply(failure(Error(Code::kNotFound, "the plan has no step named \"" + std::string(step_id) + "\"")));
    return;
  }
  ask(*step->second, std::move(reply));
}

void Executor::execute(PlanStep step, Reply reply) { ask(std::move(step), std::move(reply)); }

void Executor::ask(PlanStep step, Reply reply) {
  Calls calls;
  {
    const std::lock_guard lock(mutex_);
    Node& asked = node(step.id);
    if (asked.state != State::kUnknown) {
      calls.push_back(
          [reply, id = step.id] { reply(failure(Error(Code::kInvalidState, "step " + id + " was asked for twice"))); });
    } else {
      asked.step = std::move(step);
      asked.reply = std::move(reply);
      asked.state = State::kWaiting;
      ++asked_;
      for (const std::string& need : asked.step.needs) {
        Node& before = node(need);
        if (before.state == State::kSucceeded || (before.relation && reads_in_shards(asked.step, need))) continue;
        if (asked.incomplete.empty()) asked.incomplete = before.incomplete;
        ++asked.open_needs;
        before.dependents.push_back(asked.step.id);
      }
      if (first_failed_ || cancelled_) {
        skip(asked, calls);
      } else if (!asked.incomplete.empty()) {
        skip_without(std::string(asked.incomplete), asked, calls);
      } else {
        start_if_ready(asked, calls);
        wake(startable());
      }
    }
  }
  make(calls);
}

void Executor::start_if_ready(Node& node, Calls&) {
  if (node.state != State::kWaiting || node.open_needs > 0) return;
  node.state = State::kRunning;
  ++active_;
  const Driver* driver = run_.find_driver(node.step.driver);
  node.waits = driver && driver->waits;
  (node.waits ? ready_to_wait_ : ready_to_compute_).push_back(&node);
}

// The step's rows exist (or it has none to give): steps that waited for it may go on.
void Executor::succeeded(Node& ended, std::shared_ptr<const Relation> relation, Calls& calls) {
  ended.state = State::kSucceeded;
  ended.relation = std::move(relation);
  for (const std::string& id : std::exchange(ended.dependents, {})) {
    Node& dependent = node(id);
    --dependent.open_needs;
    if (!first_failed_ && !cancelled_) start_if_ready(dependent, calls);
  }
  tell_readers(ended, calls);
  free_if_unread(ended);
}

// Steps that run shard by shard go on with those that are there; nothing is made of the rest as a whole.
void Executor::came_incomplete(Node& ended, std::shared_ptr<const Relation> relation, Calls& calls) {
  ended.state = State::kIncomplete;
  ended.incomplete = ended.step.id;
  ended.relation = std::move(relation);
  for (const std::string& id : std::exchange(ended.dependents, {})) {
    Node& dependent = node(id);
    if (!ended.relation || !reads_in_shards(dependent.step, ended.step.id)) {
      skip_without(ended.step.id, dependent, calls);
      continue;
    }
    --dependent.open_needs;
    start_if_ready(dependent, calls);
  }
  tell_readers(ended, calls);
  free_if_unread(ended);
}

void Executor::skip_without(const std::string& incomplete, Node& skipped, Calls& calls) {
  if (skipped.state != State::kWaiting) return;
  skipped.incomplete = incomplete;
  say_skipped(skipped, incomplete, "shards of step " + incomplete + " failed", calls);
  for (const std::string& id : std::exchange(skipped.dependents, {})) skip_without(incomplete, node(id), calls);
}

void Executor::skip(Node& skipped, Calls& calls) {
  say_skipped(skipped, first_failed_ ? Json(*first_failed_) : Json(), skip_reason(), calls);
}

void Executor::say_skipped(Node& skipped, Json cause, std::string why, Calls& calls) {
  skipped.state = State::kFailed;
  ++ended_;
  reader_gone(skipped.step);
  tell_readers(skipped, calls);
  calls.push_back([this, cause = std::move(cause), why = std::move(why), id = skipped.step.id,
                   driver = skipped.step.driver, reply = std::move(skipped.reply)] {
    emit_event(sink_, "step_skipped", id, Json::object({{"driver", driver}, {"cause", cause}}));
    reply(failure(
        Error(Code::kCancelled, "step " + id + " was skipped because " + why, "", category::kRuntimeDependencyFailed),
        Json::object({{"skipped", true}, {"cause", cause}})));
    answered();
  });
}

std::string Executor::skip_reason() const {
  if (!first_failed_) return "the run was cancelled";
  return "step " + *first_failed_ + (never_asked_ ? ", which it needs, was never asked for" : " failed");
}

void Executor::stop_run(Stop reason, Calls& calls) {
  for (auto* ready : {&ready_to_wait_, &ready_to_compute_}) {
    active_ -= ready->size();
    for (Node* node : *ready) node->state = State::kWaiting;
    ready->clear();
  }
  for (const auto& [id, node] : nodes_) {
    if (node->state == State::kWaiting) skip(*node, calls);
    if (node->state == State::kRunning) node->control.stop(reason);
  }
  if (!running_.empty()) watch_running();
}

void Executor::reader_gone(const PlanStep& step) {
  if (!plan_steps_.contains(step.id)) return;
  const auto gone = [this](std::string_view from_step) {
    Node& from = node(from_step);
    if (from.readers > 0) --from.readers;
    free_if_unread(from);
  };
  for (const PlanInput& input : step.inputs) gone(input.from_step);
  for (const std::string& source : sources_of_checks(step)) gone(source);
}

void Executor::free_if_unread(Node& node) {
  const bool has_ended = node.state == State::kSucceeded || node.state == State::kIncomplete;
  if (node.in_plan && node.readers == 0 && has_ended && node.relation) {
    node.relation.reset();
    node.freed = true;
  }
}

void Executor::tell_readers(Node& ended, Calls& calls) {
  for (auto& reply : std::exchange(ended.waiting_readers, {})) {
    Result<std::shared_ptr<const Relation>> answer =
        Error(Code::kNotFound,
              "step " + ended.step.id +
                  (ended.freed ? "'s output is gone: nothing in the plan reads it any more" : " has no output"));
    if (ended.relation) answer = ended.relation;
    calls.push_back([reply = std::move(reply), answer] { reply(answer); });
  }
}

Status Executor::put_relation(std::string_view step_id, std::shared_ptr<const Relation> relation) {
  Calls calls;
  {
    const std::lock_guard lock(mutex_);
    Node& stored = node(step_id);
    if (stored.state != State::kUnknown)
      return Error(Code::kInvalidState, "step " + std::string(step_id) + " already has an output, or was asked for");
    succeeded(stored, std::move(relation), calls);
    wake(startable());
  }
  make(calls);
  return {};
}

void Executor::get_relation(std::string_view step_id,
                            std::function<void(Result<std::shared_ptr<const Relation>>)> reply) {
  Calls calls;
  {
    const std::lock_guard lock(mutex_);
    Node& wanted = node(step_id);
    wanted.waiting_readers.push_back(std::move(reply));
    if (wanted.state != State::kWaiting && wanted.state != State::kRunning) tell_readers(wanted, calls);
  }
  make(calls);
}

void Executor::finish(Reply reply) {
  Calls calls;
  {
    const std::lock_guard lock(mutex_);
    if (finish_reply_) {
      calls.push_back([reply] { reply(failure(Error(Code::kInvalidState, "finish was asked for twice"))); });
    } else {
      finish_reply_ = std::move(reply);
      finish_if_done(calls);
    }
  }
  make(calls);
}

// Nothing runs, nothing can be asked for any more, and still steps wait: for one that never came, or for each other.
void Executor::skip_stranded(Calls& calls) {
  for (const auto& [id, waiting] : nodes_) {
    if (waiting->state != State::kWaiting) continue;
    for (const std::string& need : waiting->step.needs) {
      const State state = node(need).state;
      if (first_failed_ || (state != State::kUnknown && state != State::kWaiting)) continue;
      first_failed_ = need;
      never_asked_ = true;
      log_.error("step " + id + " needs step " + need + ", which was never asked for or needs it in turn");
    }
  }
  stop_run(Stop::kOtherFailed, calls);
}

void Executor::finish_if_done(Calls& calls) {
  if (!finish_reply_) return;
  if (ended_ < asked_ && active_ == 0) skip_stranded(calls);
  // Not merely ended: another thread may still be on its way to say that a step was skipped, and `finish` comes last.
  if (answered_ < asked_) return;
  for (const auto& [id, node] : nodes_) node->relation.reset();
  const uint64_t total_rows = rows_written_ > 0 ? rows_written_ : rows_read_;
  Json result = Json::object({{"status", "finished"},
                              {"steps_executed", uint64_t{executed_}},
                              {"steps_completed", uint64_t{completed_}},
                              {"steps_total", uint64_t{plan_.steps.empty() ? asked_ : plan_.steps.size()}},
                              {"total_rows", total_rows},
                              {"artifacts", to_json(artifacts_)}});
  calls.push_back([this, result = std::move(result), executed = executed_, completed = completed_, total_rows,
                   reply = std::exchange(finish_reply_, nullptr)]() mutable {
    emit_event(sink_, "cleanup_start", Json());
    std::error_code ignored;
    std::filesystem::remove_all(run_.worker_dir() / "scratch", ignored);
    emit_event(sink_, "cleanup_complete",
               Json::object({{"steps_executed", uint64_t{executed}}, {"total_rows", total_rows}}));
    emit_metric(sink_, "steps_completed", Json(uint64_t{completed}));
    reply(std::move(result));
  });
}

void Executor::answered() {
  Calls calls;
  {
    const std::lock_guard lock(mutex_);
    ++answered_;
    finish_if_done(calls);
  }
  make(calls);
}

void Executor::cancel(std::string_view reason) {
  Calls calls;
  {
    const std::lock_guard lock(mutex_);
    if (cancelled_) return;
    cancelled_ = true;
    if (ended_ < asked_) log_.warning("cancelled: " + std::string(reason));
    stop_run(Stop::kCancelled, calls);
    finish_if_done(calls);
  }
  make(calls);
}

bool Executor::idle() const {
  const std::lock_guard lock(mutex_);
  return ended_ == asked_ && busy_ == 0;
}

bool Executor::wait_idle(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return idle_.wait_for(lock, time, [this] { return active_ == 0 && busy_ == 0; });
}

std::vector<rpc::StepProgress> Executor::progress() const {
  const std::lock_guard lock(mutex_);
  std::vector<rpc::StepProgress> steps;
  for (Node* node : running_)
    steps.push_back({node->step.id, node->control.rows_so_far(), (clock_.monotonic_ns() - node->started_ns) / 1'000'000,
                     node->control.bytes, node->control.rows_total, node->control.bytes_total});
  return steps;
}

// Says how a step ended, and what follows from it.
void Executor::ended(Node& running, StepEnd end) {
  bool stops_run = false;
  const bool is_incomplete = end.is_incomplete();
  if (!end.status.ok() && !is_incomplete) {  // known before it is said: what is asked for from now on is skipped
    const std::lock_guard lock(mutex_);
    stops_run = !first_failed_ && !cancelled_;
    if (stops_run) first_failed_ = running.step.id;
  }
  // The answer goes out first: before those of steps that this one lets start or makes skip, which other threads will
  // send.
  running.reply(end.status.ok() ? RequestResult(end.result) : failure(end.status.error()));
  Calls calls;
  {
    const std::lock_guard lock(mutex_);
    running_.erase(&running);
    --active_;
    ++executed_;
    ++ended_;
    ++answered_;
    if (end.status.ok()) {
      ++completed_;
      if (running.step.mode == StepMode::kExtract) rows_read_ += end.outcome.rows_read;
      if (running.step.mode == StepMode::kWrite) rows_written_ += end.outcome.rows_written;
    }
    if (end.status.ok() || is_incomplete)
      artifacts_.insert(artifacts_.end(), end.artifacts.begin(), end.artifacts.end());
    reader_gone(running.step);
    if (end.status.ok()) {
      running.freed = end.rows_out && !end.relation;
      succeeded(running, std::move(end.relation), calls);
    } else if (is_incomplete && !first_failed_ && !cancelled_) {
      came_incomplete(running, std::move(end.relation), calls);
    } else {
      running.state = State::kFailed;
      tell_readers(running, calls);
      if (stops_run) stop_run(Stop::kOtherFailed, calls);
    }
    finish_if_done(calls);
    // This thread takes one of the steps that can start now: waking another for a chain's next step would cost more
    // than it.
    const size_t more = startable();
    if (more > 1) wake(more - 1);
  }
  make(calls);
}

}  // namespace osiris::worker
