// What the host knows of a run's steps while it runs, learnt from nothing but the events and metrics that pass by.
//
// One tally feeds three readers that must never disagree: the display, status.json and the summary. It counts for
// itself instead of believing an adapter's "success": that is one of the five proofs of status.json, and what it saw
// steps write is the base of another.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/run/run_cost.h"
#include "host/run/step_progress.h"
#include "protocol/base/clock.h"
#include "protocol/base/json.h"

namespace osiris {

// A step of the manifest, as far as watching it needs.
struct WatchedStep {
  std::string id;
  std::string driver;
  std::string mode;  // "extract", "transform", "write"
  bool runs = true;  // false: what it gave in an earlier run is taken
};

enum class StepPhase { kWaiting, kRunning, kComplete, kFailed, kCancelled, kSkipped };
std::string_view phase_name(StepPhase phase);  // "waiting", "running", "complete", "failed", "cancelled", "skipped"

// A file that a step was seen to write, as its worker counted and hashed it.
struct WrittenOutput {
  uint64_t size_bytes = 0;
  std::string sha256;
};

// What a step took of the server that it read from.
struct SourceUse {
  std::optional<double> transaction_s;  // the longest
  std::optional<uint64_t> connections;  // the most at once
  std::optional<uint64_t> bytes;
  bool is_known() const { return transaction_s || connections || bytes; }
};

// Rows that a step was seen to keep for a later run.
struct KeptRows {
  uint64_t size_bytes = 0;
  std::string sha256;
  uint64_t rows = 0;
  std::vector<uint64_t> shard_rows;  // of each shard; empty: it has none
};

// What came of one data check of a step (docs/checks.md).
struct CheckResult {
  std::string name, type;
  bool only_warns = false;
  std::string status;  // "pass", "fail"; "error": it could not be run
  std::optional<uint64_t> failures;
  uint64_t rows = 0;
  std::string message;  // why it is no pass
  std::string stored;   // the file of the rows that fail, below the session's directory; empty: none

  bool passed() const { return status == "pass"; }
  // Rows fail it, and the step went on.
  bool warned() const { return status == "fail" && only_warns; }
};

// A shard of a step whose result its worker took in, whole.
struct AcceptedShard {
  uint64_t index = 0, rows = 0;
  std::string fingerprint = {};  // of its rows; empty: a writer's
};

// A shard that failed, of a step that goes on without it.
struct ShardFailure {
  uint64_t index = 0;
  std::string value;  // as text
  std::string error, error_type, category, hint;
};

struct StepState {
  WatchedStep plan;
  StepPhase phase = StepPhase::kWaiting;
  int attempt = 1;
  ProgressHistory progress;
  std::optional<uint64_t> rows_read, rows_written, rows_out;
  int64_t started_monotonic_ns = 0;
  double duration_s = 0;  // of an ended step
  std::string error;      // of a failed one
  std::string error_type, category, hint;
  Json detail;                      // of its error, as the worker gave it; null: none
  std::string cause;                // of a skipped one: the step that failed first
  Json state;                       // what the step is to be given at its next run; null: nothing new
  std::vector<CheckResult> checks;  // those that were run, in their order
  SourceUse source;                 // of its last attempt
  Json chunks;                      // {table, chunks, committed, reused} of a copy in chunks; null: it was none
  Json verified;                    // {table, rows, by, fingerprint} of a write; null: it was not compared
  std::map<std::string, WrittenOutput> outputs;  // of its last attempt, by the path as the pipeline wrote it
  std::optional<KeptRows> kept;
  std::string not_kept;               // why its rows, which were to be kept, are not
  std::string reused_run_id;          // it did not run: the run that did; empty: it ran
  std::vector<AcceptedShard> shards;  // in the order in which its worker took them in
  std::vector<ShardFailure> failed_shards;
  std::string fingerprint;  // of the union of their rows; empty: not told

  // It is complete without having run: what an earlier run made of it is taken.
  bool is_reused() const { return phase == StepPhase::kComplete && !reused_run_id.empty(); }
  // What to show as "rows": the most telling count there is.
  uint64_t rows() const;
};

// [any thread]
class StepTally {
 public:
  explicit StepTally(const Clock& clock) : clock_(clock) {}

  void plan(std::vector<WatchedStep> steps);
  // `data` holds the event's fields. Steps the plan does not know are added: a count must not be lost over a name.
  void on_event(std::string_view name, std::string_view step_id, const Json& data);
  void on_metric(std::string_view name, std::string_view step_id, double value);
  // What a heartbeat says of a running step.
  void on_progress(std::string_view step_id, const StepProgress& progress);
  // What the adapter says that the run costs (the event resource_cost).
  void on_cost(const Json& data);
  // A note without a step, such as "creating sandbox"; shown while no step runs.
  void on_note(std::string_view note);

  std::vector<StepState> steps() const;
  std::string note() const;
  std::optional<RunCost> cost() const;  // the newest
  size_t total() const;
  size_t completed() const;
  // Rows written by writers if any wrote rows, else rows read by extractors, by component mode; what the worker's own
  // cleanup_complete says wins.
  uint64_t total_rows() const;
  // The step that failed first.
  std::optional<StepState> first_failure() const;
  // Grows with every change a display could show.
  uint64_t revision() const;
  int64_t now_ns() const { return clock_.monotonic_ns(); }

 private:
  StepState& step(std::string_view id);

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::vector<StepState> steps_;
  std::unordered_map<std::string, size_t> index_;
  std::optional<size_t> first_failure_;
  std::optional<uint64_t> reported_total_rows_;
  std::string note_;
  std::optional<RunCost> cost_;
  uint64_t revision_ = 0;
};

}  // namespace osiris
