// One machine's part in a run on many: it is held, runs shard after shard, and is given back; or it is lost, and
// another takes its place.
#include <future>
#include <utility>

#include "plugins/sdk/fleet/fleet_run.h"
#include "plugins/sdk/package/receive_artifacts.h"
#include "plugins/sdk/place/replacement.h"
#include "protocol/base/categories.h"
#include "protocol/base/clock.h"
#include "protocol/base/thread.h"

namespace osiris::sdk {
namespace {

constexpr uint64_t kSessionBytesMax = uint64_t{1} << 42;
// A renewal without an answer may be acted on so much later.
constexpr int64_t kLateNs = 85'000'000'000;

// It lacks threads, which a machine of the service does not bring.
bool is_of_this_machine(const Error& error) {
  return error.code == Code::kExhausted && error.category == category::kSystemResourceUnavailable;
}

bool is_end_of_run(const Error& error) { return error.code == Code::kCancelled || error.code == Code::kDeadline; }

}  // namespace

void FleetRun::work(Slot& slot) {
  while (hold(slot)) {
    slot.current = take_ahead(slot);
    if (!slot.current) {
      const auto attempt = next(slot);
      if (!attempt) break;
      slot.current = hand_over(slot, *attempt);
    }
    slot.feeder = begin_async([this, &slot] { return hand_over_ahead(slot); });
    finish_shard(slot, *slot.current);
  }
  if (slot.number == 0) return;
  bool is_first_now = false;
  {
    const std::lock_guard lock(mutex_);
    is_first_now = succeeds_first(slot);
  }
  if (slot.held && !is_first_now)
    if (const Status released = give_back(slot); !released) context_.host.log(OSIRIS_ERROR, released.error().message);
  {
    const std::lock_guard lock(mutex_);
    if (is_first_now) successor_ = &slot;
    --readers_;
  }
  changed_.notify_all();
}

// False: it may have none, or there is nothing for it to do.
bool FleetRun::may_acquire(Slot& slot) {
  const std::lock_guard lock(mutex_);
  if (is_stopped() || (slot.number > 0 && !scheduler_.has_work())) return false;
  if (!slot.had_one || scheduler_.take_replacement()) return true;
  no_machine_ = Error(Code::kUnavailable,
                      "as many " + std::string(context_.place.service().plural()) +
                          " were lost as this run may replace, " + std::to_string(scheduler_.replacements()),
                      "Run again.", category::kSystemResourceUnavailable);
  return false;
}

void FleetRun::goes_on_with_fewer(const Error& error) {
  const std::lock_guard lock(mutex_);
  const bool is_first = std::exchange(had_too_few_, true) == false;
  no_machine_ = error;
  if (context_.cancelled) return;
  context_.host.log(is_first ? OSIRIS_WARN : OSIRIS_INFO,
                    "the run goes on with fewer " + std::string(context_.place.service().plural()) + " than the " +
                        std::to_string(plan_.machines()) + " asked for: " + error.message,
                    is_first ? Json::object({{"notice", true}}) : Json());
}

// False: there is none to be had, or nothing for it to do.
bool FleetRun::hold(Slot& slot) {
  while (!slot.session) {
    if (!slot.held) {
      if (!may_acquire(slot)) return inherit(slot);
      if (const Status acquired = acquire(slot); !acquired) {
        if (inherit(slot)) return true;
        goes_on_with_fewer(acquired.error());
        return false;
      }
    }
    const Status ready = make_ready(slot);
    if (ready) break;
    if (is_stopped()) return false;
    const std::string id = slot.held->machine().id;
    context_.host.event(noun_ + "_replaced", {},
                        Json::object({{noun_ + "_id", id}, {"attempt", 1}, {"error", ready.error().message}}));
    {
      const std::lock_guard lock(mutex_);
      no_machine_ = ready.error();
    }
    if (const Status released = give_back(slot); !released) context_.host.log(OSIRIS_ERROR, released.error().message);
    if (is_of_this_machine(ready.error())) {
      goes_on_with_fewer(ready.error());
      return false;
    }
  }
  return true;
}

// The first machine stays until all shards are there: it is the one for the rest.
std::optional<ShardScheduler::Attempt> FleetRun::next(Slot& slot) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (context_.cancelled || context_.host.is_cancelled()) scheduler_.stop();
    if (is_stopped()) return std::nullopt;
    scheduler_.tick(system_clock().monotonic_ns());
    if (may_begin_) {
      if (auto attempt = scheduler_.take(slot.held->machine().id)) {
        slot.had_shard = true;
        return attempt;
      }
      ask_back(slot.held->machine().id);
      if (scheduler_.is_over() || (slot.number > 0 && !scheduler_.has_work())) return std::nullopt;
    }
    if (succeeds_first(slot)) return std::nullopt;
    changed_.wait_for(lock, kLookEvery);
  }
}

// Of no shard.
Result<RunOutcome> FleetRun::run_part(Slot& slot, const RunRequest& part, const PartHost& host) {
  if (!slot.session) OSIRIS_TRY(make_ready(slot));
  auto handed = slot.session->hand_over(part, host.host(), {}, rows_ahead_.places_on(*slot.access));
  if (!handed && (context_.cancelled || is_stopped())) return Error(Code::kCancelled, "the run was cancelled");
  if (!handed) return handed.error();
  slot.part = *std::move(handed);
  return slot.part->wait();
}

// A part that is not of a shard: once more on a fresh machine where a whole run would be.
Result<RunOutcome> FleetRun::run_whole_part(Slot& slot, const RunRequest& part, const PartHost& host) {
  Replacement replacement(context_.place.service(), context_.place.short_life_hint(), context_.settings.retry_budget);
  for (;;) {
    if (!slot.held)
      if (const Status acquired = acquire(slot); !acquired && !inherit(slot)) return acquired.error();
    auto outcome = run_part(slot, part, host);
    std::optional<Error> failure = failure_of(outcome);
    if (!failure || is_end_of_run(*failure) || context_.cancelled) return outcome;
    const std::string id = slot.held->machine().id;
    const auto has_vanished = [&] {
      const auto gone = context_.place.is_gone(id, {.wait = Milliseconds(5'000), .cancelled = &context_.cancelled});
      return gone && *gone;
    };
    const Replacement::Decision decision =
        replacement.decide({part, *failure, outcome ? &*outcome : nullptr, id, false, has_vanished,
                            [&] { return slot.held->limit_reached(); }});
    if (!decision.anew) {
      if (!outcome) return decision.failure;
      outcome->status = decision.failure;
      return outcome;
    }
    context_.host.event(
        noun_ + "_replaced", {},
        Json::object({{noun_ + "_id", id}, {"attempt", replacement.attempts()}, {"error", failure->message}}));
    if (const Status released = give_back(slot); !released) context_.host.log(OSIRIS_ERROR, released.error().message);
    if (!context_.sleep(decision.wait)) return Error(Code::kCancelled, "the run was cancelled");
  }
}

std::unique_ptr<FleetRun::ShardRun> FleetRun::hand_over(Slot& slot, const ShardScheduler::Attempt& attempt) {
  auto run = std::make_unique<ShardRun>();
  run->attempt = attempt;
  const auto [list, index] = plan_.place_of(attempt.shard);
  auto part = plan_.part_of_shard(list, index, before_, settled());
  const Status same = plan_.check_files(list, index);
  if (!same || !part) {
    run->refused = same ? part.error() : same.error();
    return run;
  }
  run->part = *std::move(part);
  run->part.run_id += "-" + std::to_string(attempt.number);
  run->part.session_dir = directory() / run->part.run_id;
  run->host.emplace(
      context_.host,
      [run = run.get()](PartEvent event) {
        if (event.step_id.empty()) return;
        const std::lock_guard lock(run->mutex);
        run->events.push_back(std::move(event));
      },
      [this, attempt] {
        if (is_stopped()) return true;
        const std::lock_guard lock(mutex_);
        return scheduler_.is_outdated(attempt);
      },
      [](std::string_view, std::string_view) { return false; });
  auto handed = slot.session->hand_over(run->part, run->host->host(), [this, run = run.get()] {
    run->is_dropped = true;
    give_back(run->attempt);
  });
  if (handed)
    run->handed = *std::move(handed);
  else
    run->failed = handed.error();
  return run;
}

// On a thread of its own: large inputs take their time. Null: there is none, or none for this machine.
std::unique_ptr<FleetRun::ShardRun> FleetRun::hand_over_ahead(Slot& slot) {
  std::optional<ShardScheduler::Attempt> attempt;
  {
    const std::lock_guard lock(mutex_);
    if (may_begin_ && !is_stopped()) attempt = scheduler_.take_ahead(slot.held->machine().id);
  }
  if (!attempt) return nullptr;
  auto run = hand_over(slot, *attempt);
  const std::lock_guard lock(mutex_);
  if (!run->handed) return run;
  ahead_[attempt->id] = run.get();
  if (scheduler_.is_asked_back(*attempt)) run->handed->ask_back();  // meanwhile
  return run;
}

// With the lock. What another machine holds for later, for one that is idle now.
void FleetRun::ask_back(const std::string& machine) {
  const auto attempt = scheduler_.ask_back(machine);
  if (!attempt) return;
  if (const auto run = ahead_.find(attempt->id); run != ahead_.end()) run->second->handed->ask_back();
}

// Null: none was handed over, or it was asked back.
std::unique_ptr<FleetRun::ShardRun> FleetRun::take_ahead(Slot& slot) {
  std::unique_ptr<ShardRun> run = std::move(slot.ahead);
  if (!run) return nullptr;
  {
    const std::lock_guard lock(mutex_);
    ahead_.erase(run->attempt.id);
  }
  if (run->is_dropped) run.reset();
  return run;
}

void FleetRun::finish_shard(Slot& slot, ShardRun& run) {
  const ShardScheduler::Attempt& attempt = run.attempt;
  Result<RunOutcome> outcome = Error(Code::kCancelled, "the run was cancelled");
  if (run.handed)
    outcome = run.handed->wait();
  else if (run.failed && !is_stopped())
    outcome = *run.failed;
  if (slot.feeder.valid()) slot.ahead = slot.feeder.get();
  if (run.is_dropped) return;
  if (run.refused) return fail(attempt, *run.refused, {});
  const std::optional<Error> failure = failure_of(outcome);
  const bool has_failed = failure && failure->code == Code::kStepFailed;
  if (has_failed && came_of_lost_source(attempt)) return give_back(attempt);
  // What other steps made of the shard stays, where the others go on.
  const bool goes_on = plan_.lists()[plan_.place_of(attempt.shard).first].goes_on;
  if (!failure || (has_failed && goes_on && outcome.ok() && outcome->packed)) return receive(slot, run, *outcome);
  if (has_failed) return fail(attempt, *failure, run.take_events());
  if (!is_end_of_run(*failure)) return lose(slot, *failure, plan_.shown(attempt.shard));
  if (failure->category == category::kRuntimeBudget) {  // what others have in hand may come to its end
    const std::lock_guard lock(mutex_);
    if (!end_) end_ = *failure;
    scheduler_.stop();
    scheduler_.give_back(attempt);
  } else {
    bool is_outdated = false;
    {
      const std::lock_guard lock(mutex_);
      is_outdated = scheduler_.is_outdated(attempt);
    }
    if (!stop_running_ && (!is_outdated || context_.cancelled)) end_with(*failure);
    const std::lock_guard lock(mutex_);
    scheduler_.give_back(attempt);
  }
  changed_.notify_all();
}

void FleetRun::give_back(const ShardScheduler::Attempt& attempt) {
  {
    const std::lock_guard lock(mutex_);
    scheduler_.give_back(attempt);
  }
  changed_.notify_all();
}

// The shard's result is taken whole or not at all: all of it is here and verified before it is claimed, and in its
// place before it counts.
void FleetRun::receive(Slot& slot, ShardRun& run, RunOutcome& outcome) {
  const ShardScheduler::Attempt& attempt = run.attempt;
  const RunRequest& part = run.part;
  if (!outcome.packed)
    return lose(slot, Error(Code::kInternal, "nothing says what the shard left"), plan_.shown(attempt.shard));
  bool is_claimed = false, is_late = false;
  ArtifactSource source = run.handed->packed_source(slot.session->context(), *outcome.packed, context_.sleep,
                                                    "download the shard's result");
  source.verified = [&]() -> Status {
    const std::lock_guard lock(mutex_);
    is_claimed = scheduler_.claim(attempt);
    is_late = !is_claimed;
    if (is_claimed) return {};
    return Error(Code::kInvalidState, "the result of a shard came too late");
  };
  auto received =
      receive_artifacts(source, *outcome.packed, part,
                        {.session_bytes_max = kSessionBytesMax, .retry_budget = context_.settings.retry_budget});
  if (is_late) return give_back(attempt);  // of before a restart, or of a machine that keeps its shard
  if (!received) {
    if (context_.cancelled) {
      end_with(Error(Code::kCancelled, "the run was cancelled"));
      const std::lock_guard lock(mutex_);
      return scheduler_.give_back(attempt);
    }
    if (received.error().detail[kOfHost].as_bool()) {
      end_with(received.error().within("what " + plan_.shown(attempt.shard) + " left cannot be written here"));
      return give_back(attempt);
    }
    if (is_claimed || received.error().code == Code::kStepFailed) return fail(attempt, received.error(), {});
    return lose(slot, received.error(), plan_.shown(attempt.shard));
  }
  send_ahead(run, *outcome.packed);  // while the disk writes the journal; what is not accepted then is used by nothing
  Json hashes = Json::array();
  for (const rpc::PackedFile& file : outcome.packed->files) hashes.push_back(file.sha256);
  const Status journaled = context_.journal.write(
      "shard_accepted", Json::object({{"shard", part.run_id}, {"id", attempt.machine}, {"sha256", std::move(hashes)}}));
  if (!journaled) return fail(attempt, journaled.error(), {});
  {
    const std::lock_guard lock(mutex_);
    if (scheduler_.is_outdated(attempt)) return scheduler_.give_back(attempt);
    const Status added =
        results_.add(attempt.shard, outcome.result, *outcome.packed, part.session_dir, run.take_events());
    if (added) {
      for (Artifact& output : received->outputs) {
        if (times_ > 1)
          std::erase_if(outputs_, [&](const Artifact& each) {
            return each.step_id == output.step_id && each.path == output.path;
          });
        outputs_.push_back(std::move(output));
      }
      if (outcome.status)
        scheduler_.accepted(attempt);
      else
        scheduler_.failed(attempt, outcome.status.error());
    } else {
      scheduler_.failed(attempt, added.error());
      if (scheduler_.has_failed()) stop_running_ = true;
    }
    context_.host.progress(static_cast<double>(scheduler_.accepted_count()), static_cast<double>(plan_.shard_count()),
                           "shards");
  }
  changed_.notify_all();
}

void FleetRun::fail(const ShardScheduler::Attempt& attempt, Error error, const std::vector<PartEvent>& events) {
  {
    const std::lock_guard lock(mutex_);
    const bool goes_on = plan_.lists()[plan_.place_of(attempt.shard).first].goes_on;
    if (!goes_on && !scheduler_.has_failed()) ShardResults::tell_failure(context_.host, events);
    scheduler_.failed(attempt, std::move(error));
    if (scheduler_.has_failed()) stop_running_ = true;
  }
  changed_.notify_all();
}

// Its shard runs elsewhere when the machine is known to be gone: because the service says so, or because its lease has
// not been renewed for as long as one lasts.
void FleetRun::lose(Slot& slot, const Error& error, const std::string& what) {
  const std::string id = slot.held->machine().id;
  const int64_t safe_at_ns = system_clock().monotonic_ns() + context_.settings.lease_s() * 1'000'000'000 + kLateNs;
  {
    const std::lock_guard lock(mutex_);
    scheduler_.lost(id, noun_ + " " + id + ": " + error.message, safe_at_ns);
    no_machine_ = error;
  }
  context_.host.event(noun_ + "_replaced", {},
                      Json::object({{noun_ + "_id", id}, {"attempt", 1}, {"shard", what}, {"error", error.message}}));
  const Status released = give_back(slot);
  {
    const std::lock_guard lock(mutex_);
    if (released) scheduler_.gone(id);
    if (scheduler_.has_failed()) stop_running_ = true;
  }
  if (!released) context_.host.log(OSIRIS_ERROR, released.error().message);
  changed_.notify_all();
}

}  // namespace osiris::sdk
