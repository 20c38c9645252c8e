// Which steps run at the same time, and what stops them from outside.
#include <algorithm>
#include <chrono>

#include "protocol/base/thread.h"
#include "worker/executor/executor.h"

namespace osiris::worker {
namespace {

constexpr auto kWatchEvery = std::chrono::milliseconds(20);

}  // namespace

size_t Executor::startable() const {
  const size_t to_compute = run_.threads > computing_ ? run_.threads - computing_ : 0;
  const size_t waiting = busy_ - computing_, to_wait = run_.parallel > waiting ? run_.parallel - waiting : 0;
  return std::min(ready_to_wait_.size(), to_wait) + std::min(ready_to_compute_.size(), to_compute);
}

Executor::Node& Executor::take_ready() {
  const bool may_wait = !ready_to_wait_.empty() && busy_ - computing_ < run_.parallel;
  auto& ready = may_wait ? ready_to_wait_ : ready_to_compute_;
  Node& node = *ready.front();
  ready.pop_front();
  return node;
}

Status Executor::begin() {
  const std::lock_guard lock(mutex_);
  const bool may_time_out = plan_.steps.empty() || std::any_of(plan_.steps.begin(), plan_.steps.end(),
                                                               [](const PlanStep& step) { return step.timeout_s > 0; });
  if (!begin_worker() || (may_time_out && !begin_thread(watcher_, [this] { watch(); })))
    return no_more_threads("the worker cannot run steps");
  return {};
}

bool Executor::begin_worker() {
  workers_.emplace_back();
  if (begin_thread(workers_.back(), [this] { work(); })) return true;
  workers_.pop_back();
  return false;
}

void Executor::wake(size_t threads) {
  for (size_t spare = workers_.size() - busy_; spare < threads && workers_.size() < run_.threads + run_.parallel;
       ++spare)
    if (!begin_worker()) break;  // those that are there do it
  for (size_t i = 0; i < threads; ++i) work_.notify_one();
}

void Executor::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [this] { return startable() > 0 || closing_; });
    if (startable() == 0) return;
    Node& node = take_ready();
    const size_t computes = node.waits ? 0 : 1;
    node.started_ns = clock_.monotonic_ns();
    running_.insert(&node);
    ++busy_;
    computing_ += computes;
    if (node.step.timeout_s > 0) watch_running();
    wake(startable());
    lock.unlock();
    run_step(node);
    lock.lock();
    --busy_;
    computing_ -= computes;
    idle_.notify_all();
  }
}

void Executor::make_ahead() {
  for (const PlanStep& step : plan_.steps) {
    {
      const std::lock_guard lock(mutex_);
      if (first_failed_ || cancelled_) return;
    }
    const Driver* driver = run_.find_driver(step.driver);
    // One that waits for nothing has begun by then.
    if (step.kept.runs() && !step.needs.empty() && driver && driver->uses_database) runner_.make_ahead(step);
  }
}

// A run in which no step has a timeout and nothing stops needs no thread for it.
void Executor::watch_running() {
  if (!watcher_.joinable() && !begin_thread(watcher_, [this] { watch(); }))
    for (Node* node : running_) node->control.look(clock_.monotonic_ns());  // once, here
  watch_.notify_all();
}

// Stops steps that are out of time, and interrupts stopped ones until they have ended.
void Executor::watch() {
  std::unique_lock lock(mutex_);
  while (!closing_ || !running_.empty()) {
    bool watched = false;
    for (Node* node : running_) {
      node->control.look(clock_.monotonic_ns());
      watched = watched || node->control.stopped() != Stop::kNone || node->step.timeout_s > 0;
    }
    if (watched) {
      watch_.wait_for(lock, kWatchEvery);
    } else {
      watch_.wait(lock);
    }
  }
}

}  // namespace osiris::worker
