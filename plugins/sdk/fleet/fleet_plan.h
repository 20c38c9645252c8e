// A plan taken apart for many machines: the steps that shards need before they can run, what runs once for each shard,
// and the rest, which sees the shards' rows as one. Each part is a plan of its own, which any worker runs as it runs
// others; what one part made goes to the next as kept outputs do (docs/decisions/0222-kept-outputs.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "plugins/sdk/abi/request.h"
#include "plugins/sdk/fleet/shard_files.h"
#include "plugins/sdk/fleet/shard_scheduler.h"
#include "protocol/base/json.h"
#include "protocol/base/sha256.h"
#include "protocol/model/plan.h"

namespace osiris::sdk {

// A step's rows as a file on this machine; no path: the step leaves none that is read elsewhere.
struct BroughtRows {
  std::filesystem::path file;
  FileDigest digest;
  uint64_t rows_read = 0, rows_written = 0, rows_out = 0;
};
// By step; for each of its shards, or one.
using Brought = std::map<std::string, std::vector<BroughtRows>>;

class FleetPlan {
 public:
  // Steps with the same list, which run one after the other for each of its shards.
  struct List {
    std::vector<const PlanStep*> steps;
    size_t shards = 0;
    uint64_t parallel_max = 0;
    bool goes_on = false;  // where a shard fails the others run all the same
    // Its shards are parts of a table: the step that reads them, whose bounds one worker asks for; null: they are not.
    const PlanStep* split = nullptr;
    bool is_held() const { return split && !split->shards->is_inconsistent(); }  // they share a snapshot
  };

  // Borrows the request. `machines`: that are allowed.
  FleetPlan(const RunRequest& request, size_t machines);

  // That are of use: a `max_connections` is for all of them together, and each takes one at least.
  size_t machines() const { return machines_; }

  const std::vector<List>& lists() const { return lists_; }
  // The first machine holds what shards of others are read by, and runs none meanwhile.
  bool has_source() const;
  // One machine asks for the bounds of a table's parts before a shard can run.
  bool has_split() const;
  const std::set<std::string>& before() const { return before_; }
  bool is_sharded(const std::string& step_id) const { return sharded_.count(step_id) > 0; }
  // Of a step whose rows an earlier run has kept and shards read: how many are each shard's. They are in one file, of
  // which the first part makes one for each (kept_piece_path). Null: it is none.
  const std::vector<uint64_t>* pieces_of(const std::string& step_id) const;
  size_t shard_count() const;
  // For the scheduler, list by list.
  std::vector<FleetShard> shards() const;
  // The same, as list and index.
  std::pair<size_t, size_t> place_of(size_t shard) const;
  std::string shown(size_t shard) const;
  // Its rows are read by a part after its own.
  bool leaves_rows(const std::string& step_id) const { return leaving_.count(step_id) > 0; }
  // Shards of the step must agree in their columns, because a step that runs per shard sees them one by one.
  bool is_read_in_shards(const std::string& step_id) const { return read_in_shards_.count(step_id) > 0; }

  // Before the first part is asked for.
  Status index_inputs();
  // The parts. `brought`: what the parts before have made.
  Result<RunRequest> part_before() const;
  // Where a list has a split: its steps settle the parts of their tables, of which one worker asks for the bounds.
  Result<RunRequest> part_to_settle() const;
  // `settled`: by step, what that part has told.
  Result<RunRequest> part_of_shard(size_t list, size_t index, const Brought& brought,
                                   const std::map<std::string, Json>& settled = {}) const;
  // `takes_shards` false: the steps with shards run in this part, all of them. `without`: steps that cannot run, and
  // whatever needs one of them.
  Result<RunRequest> part_after(const Brought& brought, bool takes_shards,
                                const std::set<std::string>& without = {}) const;

  // kInvalidArgument for a file of the shard that is no longer the one that was listed.
  Status check_files(size_t list, size_t index) const;

 private:
  void find_sharded();
  void find_before();
  uint64_t connections_max(const PlanStep& step) const;
  bool is_wanted_whole(const PlanStep& step) const;
  const Json& step_document(const std::string& id) const;
  bool is_in_pieces(const PlanInput& input, const PlanStep& step) const;
  Json taken(const std::string& id, const std::vector<BroughtRows>& rows, bool reads) const;
  Json kept_rows(const std::string& id, bool reads) const;
  Json shard_step(const PlanStep& step, size_t index) const;
  bool can_spread(const PlanStep& step) const;
  Result<RunRequest> part(Json steps, const std::string& suffix, const Brought& brought) const;

  const RunRequest& request_;
  size_t machines_;
  std::map<std::string, const Json*> documents_;  // of steps, in the manifest
  std::map<std::string, const Json*> known_;      // of inputs by their places here, in the prepared document
  std::map<std::string, ShardFiles> files_;       // of the sharded steps
  std::vector<List> lists_;
  std::set<std::string> sharded_, before_, leaving_, read_in_shards_, in_pieces_;
};

}  // namespace osiris::sdk
