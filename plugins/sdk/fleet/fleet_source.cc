// Parts of tables on many machines: one worker asks the database for their bounds, and where they share a snapshot it
// holds that until all of them are there. Lost with its holder: all its shards begin again.
#include <algorithm>
#include <chrono>
#include <utility>

#include "plugins/sdk/fleet/fleet_run.h"
#include "plugins/sdk/place/replacement.h"
#include "protocol/base/categories.h"

namespace osiris::sdk {
namespace {

constexpr unsigned kTimesMax = 3;  // that shards of one snapshot are begun
// In which the holder says that its connection is gone, after a shard has noticed it: it looks twice a second, and a
// server that does not answer has two seconds.
constexpr std::chrono::seconds kVerdictWait{4};

}  // namespace

std::map<std::string, Json> FleetRun::settled() {
  const std::lock_guard lock(mutex_);
  return settled_;
}

void FleetRun::take_settled(const PartEvent& event) {
  if (event.name == "step_retry") return context_.host.event(event.name, event.step_id, event.data, event.time_unix_ns);
  if (event.name != "shards_settled") return;
  context_.host.event(event.name, event.step_id, event.data, event.time_unix_ns);
  {
    const std::lock_guard lock(mutex_);
    if (event.data["masked"].as_bool()) {
      why_alone_ = "a bound of step " + event.step_id + " is a secret of this run, and is sent to no other " + noun_;
      scheduler_.stop();
    }
    settled_[event.step_id] = event.data["settled"];
    if (has_settled()) {
      is_held_ = plan_.has_source();
      may_begin_ = true;
    }
  }
  changed_.notify_all();
}

// With the lock.
bool FleetRun::has_settled() const {
  return std::all_of(plan_.lists().begin(), plan_.lists().end(),
                     [this](const FleetPlan::List& list) { return !list.split || settled_.count(list.split->id) > 0; });
}

// With the lock. Some shard of a snapshot has not come to its end, and there are machines that may run it.
bool FleetRun::needs_source() const {
  if (scheduler_.has_failed() || end_ || readers_ == 0) return false;
  for (size_t list = 0; list < plan_.lists().size(); ++list)
    if (plan_.lists()[list].is_held() && !scheduler_.has_ended(list)) return true;
  return false;
}

// With the lock. Where the first machine is the only one, all that shares a snapshot is read there, by one worker.
void FleetRun::find_alone() {
  if (readers_ > 0 || end_ || scheduler_.has_failed() || is_stopped()) return;
  for (size_t list = 0; list < plan_.lists().size(); ++list)
    if (plan_.lists()[list].is_held() && !scheduler_.has_ended(list))
      why_alone_ = "there is one " + noun_ + " only, and it holds the snapshot that the parts of step " +
                   plan_.lists()[list].split->id + " share";
  if (why_alone_) scheduler_.stop();
}

void FleetRun::settle(Slot& slot) {
  if (!plan_.has_split()) return;
  const auto part = plan_.part_to_settle();
  if (!part) return end_with(part.error());
  for (;;) {
    const std::optional<Error> failure = settle_once(slot, *part);
    bool was_held = false, is_done = false, is_alone = false, may_again = false;
    {
      const std::lock_guard lock(mutex_);
      was_held = std::exchange(is_held_, false);
      is_done = was_held && !needs_source();
      find_alone();
      is_alone = why_alone_.has_value();
      may_again = failure && times_ < kTimesMax && (was_held || failure->code != Code::kStepFailed) &&
                  failure->code != Code::kCancelled && failure->code != Code::kDeadline;
      if (may_again && !is_done) ++times_;
    }
    if (!failure || is_done || is_alone || is_stopped()) return;
    if (!may_again) return end_with(*failure);
    if (was_held) begin_again(*failure);
  }
}

// Until it is done, is stopped because all shards are there, or fails.
std::optional<Error> FleetRun::settle_once(Slot& slot, const RunRequest& part) {
  if (!hold(slot)) {
    const std::lock_guard lock(mutex_);
    return no_machine_.value_or(Error(Code::kCancelled, "the run was cancelled"));
  }
  RunRequest made = part;
  {
    const std::lock_guard lock(mutex_);
    made.run_id += "-" + std::to_string(times_);
  }
  made.session_dir = directory() / made.run_id;
  std::mutex events_mutex;
  std::vector<PartEvent> failures;
  const PartHost host(
      context_.host,
      [&](const PartEvent& event) {
        take_settled(event);
        if (event.name != "step_failed" && event.name != "step_error") return;
        const std::lock_guard lock(events_mutex);
        failures.push_back(event);
      },
      [this] {
        if (is_stopped()) return true;
        const std::lock_guard lock(mutex_);
        return why_alone_ || (is_held_ && !needs_source());
      },
      [](std::string_view, std::string_view) { return false; });
  const auto outcome = run_part(slot, made, host);
  slot.part.reset();
  std::optional<Error> failure = failure_of(outcome);
  if (!failure) return std::nullopt;
  if (failure->code == Code::kStepFailed) {
    const std::lock_guard lock(mutex_);
    if (!is_held_ || times_ == kTimesMax) ShardResults::tell_failure(context_.host, failures);
  } else if (failure->code != Code::kCancelled && failure->code != Code::kDeadline) {
    lose(slot, *failure, "the bounds of a split");
  }
  return failure;
}

// What was read in the snapshot that is gone does not count: rows of two snapshots are no table.
void FleetRun::begin_again(const Error& error) {
  uint64_t time = 0;
  {
    const std::lock_guard lock(mutex_);
    time = times_;
    may_begin_ = false;
    for (size_t list = 0; list < plan_.lists().size(); ++list) {
      if (!plan_.lists()[list].is_held()) continue;
      settled_.erase(plan_.lists()[list].split->id);
      results_.forget(list);
      scheduler_.restart(list);
    }
  }
  changed_.notify_all();
  for (const FleetPlan::List& list : plan_.lists())
    if (list.is_held())
      context_.host.event("shards_restarted", list.split->id,
                          Json::object({{"time", time}, {"error", error.message}, {"shards", Json::array()}}));
  context_.host.log(OSIRIS_WARN,
                    "the snapshot that shards share is gone, and all of them are read again: " + error.message,
                    Json::object({{"notice", true}}));
}

// A shard may fail because of it before its holder says so.
bool FleetRun::came_of_lost_source(const ShardScheduler::Attempt& attempt) {
  if (!plan_.lists()[plan_.place_of(attempt.shard).first].is_held()) return false;
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kVerdictWait, [&] { return scheduler_.is_outdated(attempt) || is_stopped(); });
  return scheduler_.is_outdated(attempt);
}

}  // namespace osiris::sdk
