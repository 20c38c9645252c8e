#include "plugins/sdk/fleet/shard_scheduler.h"

#include <algorithm>
#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"

namespace osiris::sdk {

ShardScheduler::ShardScheduler(std::vector<FleetShard> shards, FleetTerms terms)
    : shards_(std::move(shards)), terms_(std::move(terms)), entries_(shards_.size()) {
  size_t lists = 0;
  for (size_t i = 0; i < shards_.size(); ++i) {
    waiting_.push_back(i);
    lists = std::max(lists, shards_[i].list + 1);
  }
  running_by_list_.resize(lists);
  std::stable_sort(waiting_.begin(), waiting_.end(), [this](size_t a, size_t b) { return is_before(a, b); });
}

bool ShardScheduler::is_before(size_t a, size_t b) const {
  const bool a_again = entries_[a].attempts > 0, b_again = entries_[b].attempts > 0;
  if (a_again != b_again) return a_again;
  if (shards_[a].size_bytes != shards_[b].size_bytes) return shards_[a].size_bytes > shards_[b].size_bytes;
  return a < b;
}

bool ShardScheduler::has_room(size_t list) const {
  const size_t most = list < terms_.parallel_max.size() ? terms_.parallel_max[list] : 0;
  return most == 0 || running_by_list_[list] < most;
}

std::optional<ShardScheduler::Attempt> ShardScheduler::take(const std::string& machine) {
  if (stopped_ || is_lost(machine)) return std::nullopt;
  const auto next =
      std::find_if(waiting_.begin(), waiting_.end(), [this](size_t shard) { return has_room(shards_[shard].list); });
  if (next == waiting_.end()) return std::nullopt;
  ++running_by_list_[shards_[*next].list];
  return hand_out(next, machine, State::kRunning);
}

ShardScheduler::Attempt ShardScheduler::hand_out(std::deque<size_t>::iterator waiting, const std::string& machine,
                                                 State state) {
  const size_t shard = *waiting;
  waiting_.erase(waiting);
  Entry& entry = entries_[shard];
  entry.state = state;
  entry.attempt_id = ++last_id_;
  entry.machine = machine;
  ++entry.attempts;
  ++in_hand_;
  (state == State::kAhead ? ahead_ : running_)[machine] = shard;
  return {shard, entry.attempts, entry.attempt_id, machine};
}

std::optional<ShardScheduler::Attempt> ShardScheduler::take_ahead(const std::string& machine) {
  if (stopped_ || is_lost(machine) || waiting_.size() + ahead_.size() < terms_.machines) return std::nullopt;
  const auto running = running_.find(machine);
  if (running == running_.end() || ahead_.count(machine)) return std::nullopt;
  const size_t list = shards_[running->second].list;
  const auto next =
      std::find_if(waiting_.begin(), waiting_.end(), [&](size_t shard) { return shards_[shard].list == list; });
  if (next == waiting_.end()) return std::nullopt;
  return hand_out(next, machine, State::kAhead);
}

std::optional<ShardScheduler::Attempt> ShardScheduler::ask_back(const std::string& machine) {
  if (stopped_ || is_lost(machine) || running_.count(machine)) return std::nullopt;
  std::optional<size_t> best;
  for (const auto& [holder, shard] : ahead_) {
    const Entry& entry = entries_[shard];
    if (entry.is_asked_back || entry.begins_again || is_lost(holder) || !has_room(shards_[shard].list)) continue;
    if (!best || is_before(shard, *best)) best = shard;
  }
  if (!best) return std::nullopt;
  Entry& entry = entries_[*best];
  entry.is_asked_back = true;
  ++asked_back_;
  return Attempt{*best, entry.attempts, entry.attempt_id, entry.machine};
}

bool ShardScheduler::is_current(const Attempt& attempt) const {
  const Entry& entry = entries_[attempt.shard];
  return entry.attempt_id == attempt.id &&
         (entry.state == State::kAhead || entry.state == State::kRunning || entry.state == State::kClaimed);
}

// What the machine holds of the next takes the place, before any other machine can.
void ShardScheduler::end_attempt(Entry& entry) {
  const std::string machine = std::exchange(entry.machine, std::string());
  entry.attempt_id = 0;
  --in_hand_;
  asked_back_ -= std::exchange(entry.is_asked_back, false);
  if (entry.state == State::kAhead) {
    ahead_.erase(machine);
    return;
  }
  running_.erase(machine);
  --running_by_list_[shards_[static_cast<size_t>(&entry - entries_.data())].list];
  const auto ahead = ahead_.find(machine);
  if (ahead == ahead_.end() || is_lost(machine)) return;
  asked_back_ -= std::exchange(entries_[ahead->second].is_asked_back, false);
  entries_[ahead->second].state = State::kRunning;
  running_[machine] = ahead->second;
  ++running_by_list_[shards_[ahead->second].list];
  ahead_.erase(ahead);
}

void ShardScheduler::wait_again(size_t shard) {
  entries_[shard].state = State::kWaiting;
  entries_[shard].begins_again = false;
  waiting_.insert(std::find_if(waiting_.begin(), waiting_.end(), [&](size_t other) { return is_before(shard, other); }),
                  shard);
}

void ShardScheduler::give_back(const Attempt& attempt) {
  if (!is_current(attempt) || is_lost(attempt.machine)) return;
  Entry& entry = entries_[attempt.shard];
  end_attempt(entry);
  if (!entry.begins_again) --entry.attempts;
  wait_again(attempt.shard);
}

void ShardScheduler::restart(size_t list) {
  std::erase_if(failures_, [&](const Failure& failure) { return shards_[failure.shard].list == list; });
  for (size_t shard = 0; shard < entries_.size(); ++shard) {
    Entry& entry = entries_[shard];
    if (shards_[shard].list != list) continue;
    entry.attempts_before = entry.attempts;
    entry.ends.clear();
    if (entry.state == State::kAhead || entry.state == State::kRunning || entry.state == State::kClaimed) {
      entry.begins_again = true;
    } else if (entry.state != State::kWaiting) {
      if (entry.state == State::kAccepted) --accepted_;
      wait_again(shard);
    }
  }
}

bool ShardScheduler::is_outdated(const Attempt& attempt) const {
  return is_current(attempt) && entries_[attempt.shard].begins_again;
}

bool ShardScheduler::claim(const Attempt& attempt) {
  if (!is_current(attempt) || is_lost(attempt.machine)) return false;
  Entry& entry = entries_[attempt.shard];
  if (entry.state != State::kRunning || entry.begins_again) return false;
  entry.state = State::kClaimed;
  return true;
}

void ShardScheduler::accepted(const Attempt& attempt) {
  if (!is_current(attempt)) return;
  Entry& entry = entries_[attempt.shard];
  end_attempt(entry);
  if (entry.begins_again) return wait_again(attempt.shard);
  entry.state = State::kAccepted;
  ++accepted_;
}

void ShardScheduler::failed(const Attempt& attempt, Error error) {
  if (!is_current(attempt) || is_lost(attempt.machine)) return;
  end_attempt(entries_[attempt.shard]);
  if (entries_[attempt.shard].begins_again) return wait_again(attempt.shard);
  fail(attempt.shard, std::move(error));
}

bool ShardScheduler::goes_on_after(size_t shard) const {
  const size_t list = shards_[shard].list;
  return list < terms_.goes_on.size() && terms_.goes_on[list];
}

bool ShardScheduler::has_failed() const {
  return std::any_of(failures_.begin(), failures_.end(),
                     [this](const Failure& failure) { return !goes_on_after(failure.shard); });
}

void ShardScheduler::fail(size_t shard, Error error) {
  entries_[shard].state = State::kFailed;
  failures_.push_back({shard, std::move(error)});
  if (!goes_on_after(shard)) stop();
}

// What has been claimed is on this machine already: it stays.
void ShardScheduler::lost(const std::string& machine, const std::string& why, int64_t safe_at_ns) {
  lost_.try_emplace(machine, Lost{why, safe_at_ns});
}

void ShardScheduler::gone(const std::string& machine) {
  const auto found = lost_.find(machine);
  const std::string why = found == lost_.end() ? "it is gone" : found->second.why;
  lost_[machine] = {why, -1};  // never to be handed anything again
  for (size_t shard = 0; shard < entries_.size(); ++shard) {
    Entry& entry = entries_[shard];
    if (entry.machine != machine || (entry.state != State::kRunning && entry.state != State::kAhead)) continue;
    const bool was_running = entry.state == State::kRunning;
    end_attempt(entry);
    if (!was_running) {  // the run of it, if there was one, has come to nothing by what ended the shard before it
      if (!entry.begins_again) --entry.attempts;
      wait_again(shard);
      continue;
    }
    if (!entry.begins_again) entry.ends.push_back(why);
    const size_t attempts = entry.attempts - entry.attempts_before;
    if (attempts >= terms_.attempts_max) {
      fail(shard, Error(Code::kUnavailable,
                        shards_[shard].shown + " was run " + std::to_string(attempts) +
                            " times, and each time its machine was lost: " + join(entry.ends, "; "),
                        "A shard that takes more memory than there is ends its machine each time: smaller shards, or "
                        "larger machines.",
                        category::kSystemResourceUnavailable));
      continue;
    }
    wait_again(shard);
  }
}

void ShardScheduler::tick(int64_t now_ns) {
  std::vector<std::string> due;
  for (const auto& [machine, lost] : lost_)
    if (lost.safe_at_ns >= 0 && lost.safe_at_ns <= now_ns) due.push_back(machine);
  for (const std::string& machine : due) gone(machine);
}

std::optional<int64_t> ShardScheduler::next_tick_ns() const {
  std::optional<int64_t> next;
  for (const auto& [machine, lost] : lost_)
    if (lost.safe_at_ns >= 0) next = std::min(next.value_or(lost.safe_at_ns), lost.safe_at_ns);
  return next;
}

bool ShardScheduler::succeed(const std::string& machine) {
  if (!wants_successor_ || is_lost(machine) || running_.count(machine) || ahead_.count(machine)) return false;
  wants_successor_ = false;
  return true;
}

bool ShardScheduler::take_replacement() {
  if (stopped_ || replacements_ >= terms_.replacements_max) return false;
  ++replacements_;
  return true;
}

bool ShardScheduler::has_ended(size_t list) const {
  for (size_t shard = 0; shard < entries_.size(); ++shard) {
    const State state = entries_[shard].state;
    if (shards_[shard].list == list && state != State::kAccepted && state != State::kFailed) return false;
  }
  return true;
}

bool ShardScheduler::is_over() const { return in_hand_ == 0 && (stopped_ || waiting_.empty()); }

}  // namespace osiris::sdk
