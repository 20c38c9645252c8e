// Which shard runs where, until each has been accepted exactly once or the run is over without that. Decisions only: no
// I/O, no thread, no clock of its own. Those who run shards ask it, under one lock of theirs.
//
//   order       a shard that comes back first, then the longest; sizes that are not known in the order of the list
//   limits      shards of one list at the same time, over all machines
//   acceptance  claim() for what has been fetched and verified, before it is put in its place; of an attempt that is
//               no longer the shard's, or whose machine was given up, it says no
//   ahead       a machine that runs a shard may hold the next one, of the same list, and begins it by itself; it takes
//               the place of the one before in its list's limit. One that is idle may ask for it
//   lost        a machine that is given up keeps its shards until it is known to be gone: verified, or its lease has
//   run
//               out. No shard runs twice at the same time
//   successor   the first machine is wanted beyond the shards. Where it is lost and not replaced an idle one is the
//               first
//   attempts    a shard whose machine is lost runs again elsewhere, up to a number of times; one that fails by itself
//               does not
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/base/error.h"

namespace osiris::sdk {

struct FleetShard {
  std::string shown;        // "shard 3 (in/calls-04.csv)"
  size_t list = 0;          // whose limit it counts for
  uint64_t size_bytes = 0;  // of its files; 0: not known
};

struct FleetTerms {
  size_t attempts_max = 3;                // of one shard
  size_t replacements_max = 0;            // machines that are made for lost ones
  size_t machines = 1;                    // that are meant to run shards at the same time
  std::vector<size_t> parallel_max = {};  // by list; 0, or no entry: without limit
  std::vector<bool> goes_on = {};         // by list: the other shards run all the same where one has failed
};

class ShardScheduler {
 public:
  ShardScheduler(std::vector<FleetShard> shards, FleetTerms terms);

  struct Attempt {
    size_t shard = 0;
    size_t number = 1;  // of the shard's attempts
    uint64_t id = 0;    // of all attempts
    std::string machine;
  };
  // What this machine is to run next; nullopt: nothing now. A machine runs one shard at a time.
  std::optional<Attempt> take(const std::string& machine);
  // What it is to run after the one that it runs; nullopt: nothing now. Only while there is one for each machine, so
  // that none waits idle for what another one holds. It is the machine's next when the one before is accepted or
  // failed.
  std::optional<Attempt> take_ahead(const std::string& machine);
  // One that another machine holds and has not begun, for this one, to which nothing is left; once for each. It is
  // given back where its machine lets it go; otherwise it runs there.
  std::optional<Attempt> ask_back(const std::string& machine);
  bool is_asked_back(const Attempt& attempt) const {
    return is_current(attempt) && entries_[attempt.shard].is_asked_back;
  }
  // The attempt came to nothing by no fault of its shard or machine: as if it had not been taken.
  void give_back(const Attempt& attempt);

  // True: the attempt's result is the shard's. It is put in its place now, and no other will be.
  bool claim(const Attempt& attempt);
  // It is in its place, and the journal says so.
  void accepted(const Attempt& attempt);
  // The shard itself failed, in an attempt that is still its own: for good.
  void failed(const Attempt& attempt, Error error);

  // The machine is given up. It may still run until `safe_at_ns`, by the caller's clock.
  void lost(const std::string& machine, const std::string& why, int64_t safe_at_ns);
  // It is verified to be gone; its shard may run elsewhere.
  void gone(const std::string& machine);
  // Machines whose time has come are as good as verified.
  void tick(int64_t now_ns);
  // When tick() has something to do; nullopt: never.
  std::optional<int64_t> next_tick_ns() const;
  bool is_lost(const std::string& machine) const { return lost_.count(machine) > 0; }

  // All shards of the list begin again: what they were read by is gone. Those that are being run begin again when their
  // attempts have ended, whatever these come to.
  void restart(size_t list);
  // It is of before a restart, and comes to nothing.
  bool is_outdated(const Attempt& attempt) const;

  // The first machine is gone, and none is to be had in its place: one that has nothing to run now is that.
  void want_successor(bool is_wanted = true) { wants_successor_ = is_wanted; }
  bool wants_successor() const { return wants_successor_; }
  // Whether this one is; asked of a machine to which take() gave nothing. Once for each that is wanted.
  bool succeed(const std::string& machine);

  // Whether a machine may be made for a lost one; counts it.
  bool take_replacement();
  // Nothing more is handed out.
  void stop() { stopped_ = true; }

  // No shard will be handed out any more, and none is being run or put in its place.
  bool is_over() const;
  // Every shard of the list was accepted, or failed for good.
  bool has_ended(size_t list) const;
  // There are shards that wait for a machine, or may do so soon.
  bool has_work() const { return !stopped_ && (!waiting_.empty() || asked_back_ > 0); }
  bool all_accepted() const { return accepted_ == shards_.size(); }
  size_t accepted_count() const { return accepted_; }
  size_t replacements() const { return replacements_; }
  struct Failure {
    size_t shard = 0;
    Error error;
  };
  // In the order in which they came.
  const std::vector<Failure>& failures() const { return failures_; }
  // A shard of a list that does not go on without it.
  bool has_failed() const;
  // Of the shard: "sandbox a is gone; sandbox b is gone".
  const std::vector<std::string>& lost_attempts(size_t shard) const { return entries_[shard].ends; }

 private:
  enum class State { kWaiting, kAhead, kRunning, kClaimed, kAccepted, kFailed };
  struct Entry {
    State state = State::kWaiting;
    uint64_t attempt_id = 0;  // that is handed over, runs, or was claimed
    std::string machine;
    size_t attempts = 0;
    size_t attempts_before = 0;  // a restart
    bool is_asked_back = false;
    bool begins_again = false;      // when the attempt that runs has ended
    std::vector<std::string> ends;  // of machines
  };
  struct Lost {
    std::string why;
    int64_t safe_at_ns = 0;
  };

  bool is_current(const Attempt& attempt) const;
  bool has_room(size_t list) const;
  Attempt hand_out(std::deque<size_t>::iterator waiting, const std::string& machine, State state);
  void end_attempt(Entry& entry);
  void fail(size_t shard, Error error);
  bool goes_on_after(size_t shard) const;
  bool is_before(size_t a, size_t b) const;
  void wait_again(size_t shard);

  const std::vector<FleetShard> shards_;
  const FleetTerms terms_;
  std::vector<Entry> entries_;
  std::deque<size_t> waiting_;  // in the order in which they are handed out
  std::vector<size_t> running_by_list_;
  std::map<std::string, size_t> running_, ahead_;  // shards, by their machines; claimed ones run
  std::map<std::string, Lost> lost_;
  std::vector<Failure> failures_;
  uint64_t last_id_ = 0;
  size_t accepted_ = 0, in_hand_ = 0, asked_back_ = 0, replacements_ = 0;
  bool stopped_ = false, wants_successor_ = false;
};

}  // namespace osiris::sdk
