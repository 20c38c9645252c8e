// Many machines under every kind of bad luck, by a clock of the test's: 40 shards on 8 machines, a third of which end
// at random moments of a shard (at its start, in its middle, between its last row and its acceptance), are killed or
// cut off and live on. The bytes are right or the run says that it failed; each shard is accepted once, no two copies
// of one run at the same time, and no machine is left.
//
//   OSIRIS_FLEET_RUNS=N   that many seeded runs (200; 2,000 of the attack's full size)
//   OSIRIS_FLEET_SEED=N   the first of them
#include <gtest/gtest.h>

#include <cstdio>
#include <functional>
#include <map>
#include <queue>
#include <random>
#include <set>
#include <utility>

#include "plugins/sdk/fleet/shard_scheduler.h"
#include "tests/attack/scale.h"

namespace osiris::sdk {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr size_t kShards = 40, kMachines = 8;
constexpr int64_t kLease = 2'000 * kMs, kSilence = 300 * kMs, kPutInPlace = 5 * kMs;

struct Counts {
  size_t runs = 0, complete = 0, said_failed = 0, killed = 0, cut_off = 0, late_refused = 0, replaced = 0, ahead = 0,
         asked_back = 0, succeeded = 0;
  size_t wrong = 0, twice = 0, left = 0, without_first = 0;
};

// Whether machines that are lost are replaced, or a cap forbids it.
enum class Money { kEnough, kCapped };

// The world: machines that run, and the driver of the scheduler as a run is (fleet_run.cc), event by event.
class Simulation {
 public:
  Simulation(uint64_t seed, Counts& counts, Money money = Money::kEnough)
      : random_(seed),
        counts_(counts),
        money_(money),
        parallel_max_(parallel()),
        scheduler_(list(), {.replacements_max = kMachines, .machines = kMachines, .parallel_max = {parallel_max_}}) {}

  void run() {
    for (size_t i = 0; i < kMachines; ++i) make_machine(i < kMachines / 3 + 1);
    // What shards wait for runs in the first, which may end before it has done that.
    if (money_ == Money::kCapped) begins_at_ns_ = pick(0, 1) ? 0 : pick(100, 900) * kMs;
    if (begins_at_ns_ > 0) at(begins_at_ns_ - pick(0, 50) * kMs, [this] { kill(first_); });
    at(begins_at_ns_, [] {});
    while (!events_.empty()) {
      const Event event = events_.top();
      events_.pop();
      now_ = event.at_ns;
      event.act();
      scheduler_.tick(now_);
      look_at_world();
      hand_out();
      if (const auto next = scheduler_.next_tick_ns()) at(*next, [] {});
      if (++steps_ > 1'000'000) return ADD_FAILURE() << "it does not end";
    }
    judge();
  }

 private:
  struct Event {
    int64_t at_ns;
    uint64_t order;
    std::function<void()> act;
    bool operator<(const Event& other) const {
      return at_ns != other.at_ns ? at_ns > other.at_ns : order > other.order;
    }
  };
  struct Machine {
    bool lives = true;                            // in the world
    bool hears = true;                            // the host reaches it, and its leases are renewed
    int in_hand = 0;                              // shards that the host has handed over and heard nothing of
    int doomed_in = -1;                           // the shard in which it ends; none: -1
    std::optional<size_t> runs;                   // in the world, heard of or not
    std::optional<ShardScheduler::Attempt> next;  // that it begins by itself
    int64_t ends_at_ns = 0;                       // its lease, once nobody renews it
  };

  std::vector<FleetShard> list() {
    std::vector<FleetShard> made;
    for (size_t i = 0; i < kShards; ++i)
      made.push_back({"shard " + std::to_string(i), 0, static_cast<uint64_t>(pick(0, 3) ? pick(1, 1000) : 0)});
    return made;
  }
  size_t parallel() { return pick(0, 2) == 0 ? static_cast<size_t>(pick(2, 8)) : 0; }
  int64_t pick(int64_t from, int64_t to) { return std::uniform_int_distribution<int64_t>(from, to)(random_); }
  void at(int64_t ns, std::function<void()> act) { events_.push({std::max(ns, now_), ++order_, std::move(act)}); }
  static std::string rows_of(size_t shard) { return "rows of " + std::to_string(shard) + "\n"; }

  void make_machine(bool is_doomed) {
    const std::string id = "m" + std::to_string(machines_.size() + 1);
    machines_[id].doomed_in = is_doomed ? static_cast<int>(pick(0, 3)) : -1;
    at(now_ + pick(50, 200) * kMs, [this, id] {
      ready_.insert(id);
      --coming_;
    });
    ++coming_;
  }

  // Shards wait for what the first machine does before them, whichever that is by then.
  bool may_begin() const { return now_ >= begins_at_ns_ && (begins_at_ns_ == 0 || !scheduler_.is_lost(first_)); }

  void succeed_first() {
    for (const std::string& id : ready_)
      if (machines_.at(id).in_hand == 0 && scheduler_.succeed(id)) {
        first_ = id;
        ++counts_.succeeded;
        at(now_ + pick(1, 100) * kMs, [] {});  // what it does before the shards
      }
  }

  void hand_out() {
    for (const std::string& id : std::vector<std::string>(ready_.begin(), ready_.end())) {
      Machine& machine = machines_.at(id);
      if (!may_begin()) break;
      if (machine.in_hand == 0 && !scheduler_.is_lost(id))
        if (const auto attempt = scheduler_.take(id)) hand_over(id, *attempt);
      if (machine.in_hand != 1 || scheduler_.is_lost(id)) continue;
      const auto attempt = scheduler_.take_ahead(id);
      if (!attempt) continue;
      ++counts_.ahead;
      hand_over(id, *attempt);
    }
    succeed_first();
    for (const auto& [id, machine] : machines_)
      if (ready_.count(id) && machine.in_hand == 0 && may_begin())
        if (const auto asked = scheduler_.ask_back(id)) at(now_ + pick(1, 80) * kMs, [this, asked] { drop(*asked); });
    if (!scheduler_.is_over() || coming_ > 0) return;
    for (auto& [id, machine] : machines_)
      if (machine.lives && machine.hears) machine.lives = false;  // killed and verified
  }

  void hand_over(const std::string& id, const ShardScheduler::Attempt& attempt) {
    Machine& machine = machines_.at(id);
    ++machine.in_hand;
    if (!machine.lives || !machine.hears) return;  // nobody takes it there; that is found out soon
    if (!machine.runs) return start(id, attempt);
    machine.next = attempt;
  }

  // The holder hears that it is asked back, and the host that it was let go.
  void drop(const ShardScheduler::Attempt& attempt) {
    Machine& machine = machines_.at(attempt.machine);
    if (!machine.lives || !machine.hears || !machine.next || machine.next->id != attempt.id) return;
    machine.next.reset();
    ++counts_.asked_back;
    at(now_ + kMs, [this, attempt] {  // in the stream, before anything that it says of later shards
      scheduler_.give_back(attempt);
      --machines_.at(attempt.machine).in_hand;
    });
  }

  void start(const std::string& id, const ShardScheduler::Attempt& attempt) {
    Machine& machine = machines_.at(id);
    machine.runs = attempt.shard;
    const int64_t wall = pick(20, 400) * kMs, fetch = pick(1, 30) * kMs;
    at(now_ + wall, [this, id, attempt] { last_row(id, attempt); });
    at(now_ + wall + fetch, [this, id, attempt] { fetched(id, attempt); });
    if (machine.doomed_in < 0 || machine.doomed_in-- > 0) return;
    // Where in the shard's life: any time, or between its last row and what is fetched of it.
    const int64_t when = pick(0, 1) ? pick(0, wall) : wall + pick(0, fetch);
    const bool is_cut_off = pick(0, 1) == 1;
    at(now_ + when, [this, id, is_cut_off] { is_cut_off ? cut_off(id) : kill(id); });
  }

  void last_row(const std::string& id, const ShardScheduler::Attempt&) {
    Machine& machine = machines_.at(id);
    if (!machine.lives) return;
    machine.runs.reset();
    if (const auto next = std::exchange(machine.next, std::nullopt)) start(id, *next);
  }

  void fetched(const std::string& id, const ShardScheduler::Attempt& attempt) {
    Machine& machine = machines_.at(id);
    if (!machine.lives) return;
    if (!machine.hears) {  // what it sent comes through later, and mostly much too late
      at(now_ + pick(0, 3'000) * kMs, [this, id, attempt] {
        if (scheduler_.claim(attempt)) return put_in_place(id, attempt);
        ++counts_.late_refused;
      });
      return;
    }
    if (scheduler_.claim(attempt)) return put_in_place(id, attempt);
    // The host takes what one machine sends in its order: the shard before is not in its place yet.
    if (machine.in_hand > 1) at(now_ + kMs, [this, id, attempt] { fetched(id, attempt); });
  }

  void put_in_place(const std::string& id, const ShardScheduler::Attempt& attempt) {
    at(now_ + kPutInPlace, [this, id, attempt] {
      outputs_[attempt.shard] += rows_of(attempt.shard);
      ++accepted_[attempt.shard];
      scheduler_.accepted(attempt);
      --machines_.at(id).in_hand;
    });
  }

  void kill(const std::string& id) {
    Machine& machine = machines_.at(id);
    if (!machine.lives) return;
    ++counts_.killed;
    machine.lives = false;
    machine.runs.reset();
    at(now_ + pick(1, 300) * kMs, [this, id] {
      scheduler_.lost(id, id + " was killed", now_ + kLease);
      at(now_ + 80 * kMs, [this, id] { give_up(id, true); });
    });
  }

  // It works on, and nobody renews its lease.
  void cut_off(const std::string& id) {
    Machine& machine = machines_.at(id);
    if (!machine.lives) return;
    ++counts_.cut_off;
    machine.hears = false;
    machine.ends_at_ns = now_ + kLease;
    at(machine.ends_at_ns, [this, id] {
      machines_.at(id).lives = false;
      machines_.at(id).runs.reset();
    });
    at(now_ + kSilence, [this, id] {
      scheduler_.lost(id, id + " is silent", machines_.at(id).ends_at_ns);
      const bool is_verified = pick(0, 1) == 1;  // the service can be reached, or only waiting helps
      at(now_ + 80 * kMs, [this, id, is_verified] {
        if (is_verified) {
          machines_.at(id).lives = false;
          machines_.at(id).runs.reset();
        }
        give_up(id, is_verified);
      });
    });
  }

  void give_up(const std::string& id, bool is_verified) {
    ready_.erase(id);
    if (is_verified) scheduler_.gone(id);
    if (money_ == Money::kCapped) {
      if (id == first_) scheduler_.want_successor();
      return;
    }
    if (!scheduler_.take_replacement()) return;
    ++counts_.replaced;
    make_machine(pick(0, 5) == 0);
  }

  void look_at_world() {
    std::set<size_t> running;
    for (const auto& [id, machine] : machines_) {
      if (!machine.lives || !machine.runs) continue;
      EXPECT_TRUE(running.insert(*machine.runs).second) << "shard " << *machine.runs << " runs twice";
    }
    if (parallel_max_ > 0) {
      EXPECT_LE(running.size(), parallel_max_);
    }
  }

  void judge() {
    ++counts_.runs;
    EXPECT_TRUE(scheduler_.is_over() || ready_.empty());
    for (const auto& [id, machine] : machines_) {
      EXPECT_FALSE(machine.lives) << id << " is left";
      counts_.left += machine.lives;
    }
    std::string all, expected;
    for (size_t i = 0; i < kShards; ++i) {
      EXPECT_LE(accepted_[i], 1) << "shard " << i;
      counts_.twice += accepted_[i] > 1;
      expected += rows_of(i);
      all += outputs_[i];
    }
    if (scheduler_.all_accepted()) {
      counts_.without_first += scheduler_.is_lost(first_);
      ++counts_.complete;
      EXPECT_EQ(all, expected);
      counts_.wrong += all != expected;
      return;
    }
    ++counts_.said_failed;
    EXPECT_TRUE(!scheduler_.failures().empty() || ready_.empty()) << "it ended with shards that nobody ran";
  }

  std::mt19937_64 random_;
  Counts& counts_;
  const Money money_;
  const size_t parallel_max_;
  ShardScheduler scheduler_;
  std::priority_queue<Event> events_;
  std::map<std::string, Machine> machines_;
  std::set<std::string> ready_;
  std::map<size_t, std::string> outputs_;
  std::map<size_t, int> accepted_;
  std::string first_ = "m1";  // which the union needs
  int64_t now_ = 0, begins_at_ns_ = 0;
  uint64_t order_ = 0;
  size_t steps_ = 0, coming_ = 0;
};

TEST(FleetSimulation, AThirdOfTheMachinesEndsAndEachShardIsAcceptedOnce) {
  const uint64_t runs = attack::scale("OSIRIS_FLEET_RUNS", 200, 2'000),
                 first = attack::scale("OSIRIS_FLEET_SEED", 1, 1);
  Counts counts;
  for (uint64_t seed = first; seed < first + runs; ++seed) {
    SCOPED_TRACE("OSIRIS_FLEET_SEED=" + std::to_string(seed));
    Simulation(seed, counts).run();
    if (HasFailure()) break;
  }
  std::printf(
      "attack: simulated machines of shards: %zu runs of %zu shards on %zu machines, %zu complete, %zu said that they "
      "failed; %zu machines killed, %zu cut off, %zu replaced; %zu late results refused; %zu shards handed over before "
      "their machine was idle, %zu of them asked back; wrong bytes %zu, shards accepted twice %zu, machines left %zu\n",
      counts.runs, kShards, kMachines, counts.complete, counts.said_failed, counts.killed, counts.cut_off,
      counts.replaced, counts.late_refused, counts.ahead, counts.asked_back, counts.wrong, counts.twice, counts.left);
  EXPECT_EQ(counts.runs, runs);
  EXPECT_GE(counts.complete * 100, counts.runs * 95);
  EXPECT_GT(counts.killed, counts.runs / 2);
  EXPECT_GT(counts.cut_off, counts.runs / 2);
  EXPECT_GT(counts.late_refused, 0u);
  EXPECT_GT(counts.ahead, counts.runs * kShards / 2);
  EXPECT_GT(counts.asked_back, 0u);
}

// Whatever the first machine does when it is lost, one of those that are left does it in its place.
TEST(FleetSimulation, AFirstMachineThatACapDoesNotReplaceIsSucceededByAnIdleOne) {
  const uint64_t runs = attack::scale("OSIRIS_FLEET_RUNS", 200, 2'000),
                 first = attack::scale("OSIRIS_FLEET_SEED", 1, 1);
  Counts counts;
  for (uint64_t seed = first; seed < first + runs; ++seed) {
    SCOPED_TRACE("OSIRIS_FLEET_SEED=" + std::to_string(seed));
    Simulation(seed, counts, Money::kCapped).run();
    if (HasFailure()) break;
  }
  std::printf(
      "attack: simulated machines under a cap: %zu runs, %zu complete, %zu machines killed, %zu cut off, none "
      "replaced; "
      "%zu took the place of the first one; complete runs without a first machine %zu, wrong bytes %zu, shards "
      "accepted "
      "twice %zu, machines left %zu\n",
      counts.runs, counts.complete, counts.killed, counts.cut_off, counts.succeeded, counts.without_first, counts.wrong,
      counts.twice, counts.left);
  EXPECT_EQ(counts.runs, runs);
  EXPECT_GE(counts.complete * 100, counts.runs * 95) << "the others have a shard that was tried three times";
  EXPECT_GT(counts.succeeded, counts.runs / 3);
  EXPECT_EQ(counts.without_first, 0u);
}

}  // namespace
}  // namespace osiris::sdk
