// What the shards of a run came to: their rows, the columns of these, and what was said of them, told in the order of
// the lists as one worker would have told it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/sdk/abi/host.h"
#include "plugins/sdk/fleet/fleet_plan.h"
#include "plugins/sdk/fleet/part_host.h"
#include "protocol/rpc/params.h"

namespace osiris::sdk {

// How long each step lasted, by its id.
using Seconds = std::map<std::string, double>;

// Whether a metric of a worker's says how long a step lasted.
bool is_step_duration(std::string_view metric);
// In the entries of a result.
void set_durations(Json& result, const Seconds& lasted);

// By one thread at a time.
class ShardResults {
 public:
  explicit ShardResults(const FleetPlan& plan) : plan_(plan), results_(plan.shard_count()) {}

  // Of a shard that is about to be accepted, or that failed where the others go on: then of the steps that had done
  // with it. `result`: the part's; `directory`: where its session's files are. An error: rows that others read are not
  // there.
  Status add(size_t shard, const Json& result, const rpc::Packed& packed, const std::filesystem::path& directory,
             std::vector<PartEvent> events);

  // All that is there of the shards of a list is as if it had not come.
  void forget(size_t list);
  // Where the files are of what is there.
  std::vector<std::filesystem::path> directories() const;
  // A shard that failed before a worker could say so.
  void note_failure(size_t shard, const Error& error);
  bool is_failed(size_t shard) const { return !results_[shard].failures.empty(); }

  // What became of the shards of a step.
  struct Tally {
    size_t accepted = 0;
    std::vector<FailedShard> failed;
    std::vector<size_t> not_run;
    BroughtRows rows;  // the sums of those that were accepted
    bool is_whole() const { return failed.empty() && not_run.empty(); }
  };
  Tally tally_of(const PlanStep& step) const;

  // What the steps made whose shards are all there.
  Brought brought() const;
  // Why the shards' rows are not those that one worker would have made; nullopt: they are.
  std::optional<std::string> why_not_one() const;
  // The start of each step, before its first shard.
  void tell_starts(const Host& host) const;
  // All that was said of the shards that were accepted.
  void tell(const Host& host) const;
  // An attempt that failed for good.
  static void tell_failure(const Host& host, const std::vector<PartEvent>& events);
  // For how long shards of a step ran, at one machine at least. Machines' clocks differ: by when their ends came here.
  Seconds seconds() const;
  // The end of a step whose rows a worker took from its shards, as if it had run as long as they did.
  static void tell_end(const Host& host, const PartEvent& end, double seconds);
  // Sums of the steps whose shards are all there, for a result: {"rows_read": ...}.
  std::optional<Json> metrics_of(const PlanStep& step) const;

 private:
  struct StepRows {
    BroughtRows rows;
    Json columns;  // null: it has none
  };
  struct Ran {
    int64_t from_ns, until_ns;
  };
  struct ShardResult {
    bool is_there = false;
    std::filesystem::path directory;
    std::map<std::string, StepRows> steps;
    std::map<std::string, Error> failures;  // by step
    std::map<std::string, Ran> ran;         // by step
    std::vector<PartEvent> events;
  };
  // Those of a step, in the order of its list.
  std::vector<const StepRows*> of_step(const PlanStep& step) const;

  const FleetPlan& plan_;
  std::vector<ShardResult> results_;
};

}  // namespace osiris::sdk
