// A step that runs once for each of its shards (docs/shards.md): the driver's attempts, with their retries and timeout,
// for a shard; the rows of all shards as one output, in the order of the list. Before them the driver settles what one
// read of all would find out.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "worker/database/union_table.h"
#include "worker/executor/step_runner.h"

namespace osiris::worker {

class ShardedStep {
 public:
  // The step, which has been prepared. All outlive it.
  ShardedStep(StepRunner& runner, const PlanStep& step, const StepRunner::Prepared& prepared, StepControl& control);

  // Blocking. Fills `end` with the sums of all shards. The first shard that fails stops the others, or, where the step
  // goes on after failures, is left out: the error in the end has kIncompleteShards in its detail, and `end` what came
  // of the others, with their relation if there is any.
  Status run(StepEnd& end);

  // For a stream of all shards in the place of run(), which may be called when nothing has come of it: what run()
  // begins with. What the driver settled is told.
  Status begin_stream();
  const Json& settled() const { return settled_.common; }
  // False: each of the shards has one file, and one of them is not as it was listed, or their order is not the list's.
  bool has_its_files() const;
  // What was read of each shard, in their order.
  void tell_streamed(const std::vector<StreamedShard>& streamed);

 private:
  Status hold();
  Status check_inputs() const;
  // All shards once, from the first; true: what they read by was lost, and they may be read again.
  bool run_once();
  Status settle();
  void begin_again(unsigned time);
  void run_all();
  void work();
  StepEnd run_shard(const Shard& shard);
  void prepare(const Shard& shard, StepRunner::Prepared& prepared) const;
  void prepare_alike(StepRunner::Prepared& prepared) const;  // for any shard, and for none
  Status check_files(const Shard& shard) const;
  void accept(const Shard& shard, StepEnd end);
  bool goes_on_after(const Error& error) const;
  Status take_in(const Shard& shard, StepEnd& end);
  void leave_out(const Shard& shard, const Error& error);
  Status missing_shards(StepEnd& end) const;
  // With the lock.
  void fail(Error error);
  Result<std::shared_ptr<const Relation>> columns_only();
  const std::vector<Shard>& shards() const { return step_.shards->list; }
  // Its place among those that this worker runs.
  size_t place_of(const Shard& shard) const { return static_cast<size_t>(&shard - shards().data()); }

  StepRunner& runner_;
  const PlanStep& step_;
  const StepRunner::Prepared& prepared_;
  StepControl& control_;
  std::map<std::string_view, const PlanFile*> recorded_;  // inputs by path, with what was recorded of them
  std::vector<std::string> patterns_;                     // the paths they come from, as the pipeline has them
  std::map<size_t, std::vector<uint64_t>> first_rows_;    // of each shard in a view that is given in pieces
  std::set<size_t> not_there_;                            // places of shards that an input misses

  std::mutex mutex_;
  std::condition_variable changed_;
  size_t next_ = 0, accepted_ = 0, window_ = 1;
  std::map<size_t, StepEnd> done_;     // that wait for those before them
  std::vector<StepControl*> running_;  // of shards
  std::optional<Error> failure_;       // the first, of the step
  std::vector<FailedShard> left_out_;  // where it goes on after failures
  Settled settled_;
  mutable std::mutex source_mutex_;  // of settled_.source, which one thread asks at a time
  bool is_begun_ = false;            // by begin_stream(): what is settled holds for the first time
  bool is_unsettled_ = false;        // the first rows of the shards did not tell what they are
  std::optional<UnionTable> union_;
  std::vector<uint64_t> rows_;  // of each shard's output
  StepOutcome outcome_;
  std::vector<Artifact> artifacts_;
};

}  // namespace osiris::worker
