// One run on many machines (docs/decisions/0250-one-run-per-shard.md): what the shards need first, the shards, and all
// the rest over the rows that they made. A thread for each machine; what runs where is the scheduler's to say.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "plugins/sdk/channel/waker.h"
#include "plugins/sdk/fleet/fleet_plan.h"
#include "plugins/sdk/fleet/machine_session.h"
#include "plugins/sdk/fleet/part_host.h"
#include "plugins/sdk/fleet/rows_ahead.h"
#include "plugins/sdk/fleet/shard_results.h"
#include "plugins/sdk/fleet/shard_scheduler.h"
#include "plugins/sdk/place/cloning.h"
#include "plugins/sdk/place/held_machine.h"
#include "plugins/sdk/run/run_loop.h"
#include "protocol/model/artifact.h"

namespace osiris::sdk {

// All are borrowed; the functions are called from several threads.
struct FleetContext {
  const Host& host;
  const RemoteSettings& settings;
  const RunRequest& request;
  const std::atomic<bool>& cancelled;
  const Template& made_from;
  const Egress& egress;
  Place& place;
  Journal& journal;
  std::function<Result<std::unique_ptr<HeldMachine>>()> acquire;
  std::function<Cloned(HeldMachine& parent, size_t count)> clone;
  const MachineSpec& wanted;                // each of them
  std::function<bool(Milliseconds)> sleep;  // false: cancelled
  std::function<std::optional<Error>(const std::string& machine_id)> ends_early;
  Milliseconds early_grace{0};
};

class FleetRun {
 public:
  FleetRun(FleetContext context, const FleetPlan& plan);
  ~FleetRun();
  FleetRun(const FleetRun&) = delete;
  FleetRun& operator=(const FleetRun&) = delete;

  // Blocking, once. The outcome of the whole; an error where no part came to one.
  Result<RunOutcome> run();

  // Afterwards: the machine that holds what is to be collected (null: none is left), what was written before and by
  // shards, what was given back.
  // Take access first.
  std::unique_ptr<HeldMachine> take_held() { return std::move(slots_.front()->held); }
  std::shared_ptr<MachineAccess> take_access() {
    end_session(*slots_.front());
    return std::move(slots_.front()->access);
  }
  // What there is to be collected, where it is here already; null: it is to be fetched.
  std::shared_ptr<const std::string> packed_bytes() const { return packed_bytes_; }
  std::vector<Artifact> take_outputs();
  const Json& released() const { return released_; }

 private:
  static constexpr std::chrono::milliseconds kLookEvery{100};  // for a cancel, while others are waited for

  // An attempt that was handed over, or what kept it from that.
  struct ShardRun {
    ShardScheduler::Attempt attempt;
    RunRequest part;
    std::mutex mutex;  // of the next
    std::vector<PartEvent> events;
    std::vector<PartEvent> take_events() {
      const std::lock_guard lock(mutex);
      return std::exchange(events, {});
    }
    std::optional<PartHost> host;
    std::unique_ptr<HandedPart> handed;
    std::optional<Error> refused;         // the shard's own failure
    std::optional<Error> failed;          // its machine's
    std::atomic<bool> is_dropped{false};  // before its turn, and given back
  };
  // A machine, or the place of one. What is below ends before what is above.
  struct Slot {
    size_t number = 0;
    Waker waker;
    std::unique_ptr<HeldMachine> held;
    std::shared_ptr<MachineAccess> access;
    bool has_worker = false;
    bool is_clone = false;
    bool had_one = false;
    bool had_shard = false;
    bool is_successor = false;                      // its machine is the first one's from then on
    int64_t wanted_ns = 0;                          // monotonic: when this machine was asked for
    std::unique_ptr<MachineSession> session;        // from then on shards may be handed over
    std::unique_ptr<HandedPart> part;               // of no shard
    std::unique_ptr<ShardRun> current;              // the shard that runs
    std::unique_ptr<ShardRun> ahead;                // handed over meanwhile
    std::future<std::unique_ptr<ShardRun>> feeder;  // that does so
    std::thread thread;
  };

  // The worker as it travels; null where it cannot be had, which its delivery finds out for itself.
  using PackedWorker = std::shared_future<std::shared_ptr<const std::string>>;
  PackedWorker begin_packing();

  Result<RunOutcome> run_all();
  void begin_others();
  // All that comes before the first shard.
  void run_until_shards(Slot& first);
  Result<RunOutcome> run_before(Slot& slot);
  Status take_rows_before(const RunOutcome& outcome, const std::filesystem::path& directory);
  std::set<std::string> files_between_parts(const std::function<bool(const PlanStep&)>& of) const;
  bool are_shards_whole();
  std::optional<Error> error_of_shards();
  // Parts of tables (fleet_source.cc). The first asks for their bounds, and stays until all their shards are there
  // where it holds a snapshot.
  void settle(Slot& slot);
  std::optional<Error> settle_once(Slot& slot, const RunRequest& part);
  void take_settled(const PartEvent& event);
  bool has_settled() const;
  bool needs_source() const;
  void find_alone();
  void begin_again(const Error& error);
  bool came_of_lost_source(const ShardScheduler::Attempt& attempt);
  Result<RunOutcome> run_after(Slot& slot);
  // The rest that is in `part`, with what the shards' steps say until then. `lasted`: the steps whose rows it takes.
  Result<RunOutcome> run_rest(Slot& slot, const RunRequest& part, const Seconds& lasted);
  // Where shards failed and the others went on (fleet_incomplete.cc).
  struct Incomplete {
    std::map<std::string, Error> steps;          // with shards that failed, or did not run for it
    std::map<std::string, std::string> skipped;  // by step: the step of the above that it would need
    std::string first;                           // of the former
  };
  Incomplete find_incomplete();
  void tell_incomplete(const Incomplete& incomplete) const;
  Result<RunOutcome> run_incomplete(Slot& slot);
  void bring_shards_files() const;
  Result<RunOutcome> run_whole_part(Slot& slot, const RunRequest& part, const PartHost& host);
  Result<RunOutcome> run_part(Slot& slot, const RunRequest& part, const PartHost& host);
  void join_all();

  // fleet_clones.cc
  std::vector<std::string> packages_to_clone() const;
  Status clone_first();
  Status acquire(Slot& slot);
  Status make_ready(Slot& slot);
  Status verify(Slot& slot);
  void end_session(Slot& slot);
  Status give_back(Slot& slot);
  SessionContext session_context(Slot& slot);

  void work(Slot& slot);
  bool hold(Slot& slot);
  bool may_acquire(Slot& slot);
  void goes_on_with_fewer(const Error& error);
  bool succeeds_first(Slot& slot);
  bool inherit(Slot& slot);
  void send_ahead(const ShardRun& run, const rpc::Packed& packed);
  std::optional<ShardScheduler::Attempt> next(Slot& slot);
  std::unique_ptr<ShardRun> hand_over(Slot& slot, const ShardScheduler::Attempt& attempt);
  std::unique_ptr<ShardRun> hand_over_ahead(Slot& slot);
  void ask_back(const std::string& machine);
  std::unique_ptr<ShardRun> take_ahead(Slot& slot);
  void finish_shard(Slot& slot, ShardRun& run);
  void receive(Slot& slot, ShardRun& run, RunOutcome& outcome);
  void fail(const ShardScheduler::Attempt& attempt, Error error, const std::vector<PartEvent>& events);
  void give_back(const ShardScheduler::Attempt& attempt);
  std::map<std::string, Json> settled();
  void lose(Slot& slot, const Error& error, const std::string& what);
  void end_with(Error error);

  bool is_stopped() const { return stop_running_ || context_.cancelled; }
  std::optional<Error> stop_reason() const;
  Error first_failure() const;
  void say_how_many();
  Result<RunOutcome> concluded(Error error);
  std::filesystem::path directory() const { return context_.request.adapter_dir() / "shards"; }

  const FleetContext context_;
  const FleetPlan& plan_;
  const std::string noun_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::mutex packed_mutex_;
  PackedWorker packed_;  // not valid: it was let go of, and is read anew for a machine that needs it
  Brought before_;       // what the shards read
  RowsAhead rows_ahead_;
  std::shared_ptr<const std::string> packed_bytes_;
  std::atomic<bool> stop_running_{false};

  std::mutex mutex_;  // of all that follows
  std::condition_variable changed_;
  ShardScheduler scheduler_;
  ShardResults results_;                 // when no shard runs any more nothing of it changes
  std::map<uint64_t, ShardRun*> ahead_;  // those that may be asked back, by their attempts
  bool may_begin_ = false, had_too_few_ = false;
  std::map<std::string, Json> settled_;   // of parts of tables, by step
  bool is_held_ = false;                  // the snapshot that they share
  unsigned times_ = 1;                    // that shards of a snapshot were begun
  Slot* successor_ = nullptr;             // whose machine the first takes
  size_t readers_ = 0;                    // machines beside the first that may still run shards
  std::optional<std::string> why_alone_;  // why all shards have to run in one place
  std::optional<Error> end_;              // the run's, whatever its shards came to
  std::optional<Error> no_machine_;       // why the last one was not to be had
  std::vector<Artifact> outputs_before_, outputs_;
  Json released_ = Json::array();
  Json done_before_ = Json::object();  // the result of what ran before the shards
};

}  // namespace osiris::sdk
