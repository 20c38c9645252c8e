// Runs one step from its first event to its last: directories, config, connection, inputs, the driver with retries and
// timeout, outputs and totals. Everything it tells the adapter goes to the sink in the order docs/worker-protocol.md
// names.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/sha256.h"
#include "protocol/base/wipe.h"
#include "protocol/model/artifact.h"
#include "worker/executor/files_ahead.h"
#include "worker/executor/held_records.h"
#include "worker/executor/planned_files.h"
#include "worker/executor/run.h"
#include "worker/executor/step_control.h"

namespace osiris::worker {

using Relations = std::map<std::string, std::shared_ptr<const Relation>, std::less<>>;

// The rows of a step as they are kept for later runs.
struct KeptFile {
  FileDigest digest;
  uint64_t rows = 0;
};

struct StepEnd {
  Status status;
  Json result;                               // of execute_step, when status is ok
  std::shared_ptr<const Relation> relation;  // null: the step has no output
  StepOutcome outcome;
  Json state;  // what the host is to keep for the step; null: nothing new
  std::vector<Artifact> artifacts;
  std::optional<uint64_t> rows_out;      // of an output that was not stored, or is `relation`; none: no output
  std::string fingerprint;               // of the union of its shards (UnionTable::fingerprint()); empty: none
  std::optional<Result<KeptFile>> kept;  // of rows that were kept on their way to the reader; none: they were not

  // Some of its shards failed, and what is here is of the others: steps that run shard by shard may go on with it.
  bool is_incomplete() const { return !status.ok() && !status.error().detail[kIncompleteShards].is_null(); }
};

// A step that reads the step before it, and nothing else that is not stored.
struct StreamReader {
  const PlanStep& step;
  Relations inputs;  // those that are stored
  StepControl& control;
};

// The readers that may run along with a step.
struct Readers {
  // The step's reader and, where that one is a query, the writer that reads it. From then on they are running.
  std::function<std::vector<StreamReader>()> claim;
  // All but the first `kept` wait again, as if they had not been claimed.
  std::function<void(size_t kept)> give_back;
};

// What became of a reader.
struct StreamedEnd {
  const PlanStep* step;
  std::unique_ptr<HeldRecords> held;
  StepEnd end;
  std::string from_step;  // the stream's
  uint64_t rows_in = 0;   // from there
  int64_t started_ns = 0;
};

class StepRunner {
 public:
  StepRunner(const Run& run, RecordSink& sink, Log& log, const Clock& clock)
      : run_(run),
        sink_(sink),
        log_(log),
        clock_(clock),
        spare_threads_(run.parallel - 1),
        ahead_(run.worker_dir() / "ahead") {}

  // Blocking. `inputs` holds the outputs that the step and its checks read, by step; steps without output are not in
  // it. `readers`, asked once or never, are the steps that may run along with it; null: its output is stored. Those
  // that ran along are in `streamed`, in that order, their records still to be sent by report(); only the last of them
  // can have failed. The others have been given back.
  StepEnd run(const PlanStep& step, const Relations& inputs, StepControl& control, const Readers* readers,
              std::vector<StreamedEnd>& streamed);
  void report(StreamedEnd& ended);
  // Makes what a step that has not begun will need, and that nothing before it decides.
  void make_ahead(const PlanStep& step);

 private:
  friend class ShardedStep;
  friend class StreamedSteps;
  struct Prepared {
    const Driver* driver = nullptr;
    Json config;
    ConnectionFields connection;
    bool has_connection = false;
    std::vector<StepInput> views;
    std::vector<Input> inputs;
    std::vector<bool> in_shards;    // of each input: the plan gives it in pieces
    const Shard* shard = nullptr;   // that this is for; null: for the whole step
    const Json* settled = nullptr;  // of all shards
    std::shared_ptr<const PlannedFiles> files;
    // What an attempt does; empty: the driver's run().
    std::function<Result<StepOutcome>(StepContext&)> work;

    Prepared() = default;
    Prepared(const Prepared&) = delete;
    Prepared& operator=(const Prepared&) = delete;
    ~Prepared() { wipe(connection.fields); }
  };
  using Streams = std::map<std::string, std::shared_ptr<const RowStream>, std::less<>>;
  void begin(const PlanStep& step);
  StepEnd reuse(const PlanStep& step, const Relations& inputs, StepControl& control, int64_t started_ns);
  Status prepare(const PlanStep& step, const Relations& inputs, const Streams& streams, Prepared& prepared);
  Result<std::string> config_text(const PlanStep& step, const Prepared& prepared) const;
  Status resolve_connection(const PlanStep& step, Prepared& prepared) const;
  void gather_inputs(const PlanStep& step, const Relations& inputs, const Streams& streams, Prepared& prepared);
  // `opened`: what a stream that nothing reads has begun; null: nothing.
  StepEnd attempt(const PlanStep& step, const Prepared& prepared, StepControl& control, StreamedOutput* opened,
                  uint64_t number);
  Status run_attempts(const PlanStep& step, const Prepared& prepared, StepControl& control, StreamedOutput* opened,
                      StepEnd& end);
  Status check_rows(const PlanStep& step, const Prepared& prepared, const Relations& inputs, StepControl& control,
                    const StepEnd& end);
  void report_end(const PlanStep& step, StepEnd& end, int64_t started_ns);
  void report_rows(const PlanStep& step, const StepEnd& end);
  void report_success(const PlanStep& step, StepEnd& end, int64_t started_ns);
  void report_failure(const PlanStep& step, const Error& error, int64_t started_ns);

  // Threads for shards beside a step's own, up to Run::parallel for all steps together: as many as there are, up to
  // `wanted`.
  size_t take_threads(size_t wanted);
  void give_back_threads(size_t threads) { spare_threads_ += threads; }

  const Run& run_;
  RecordSink& sink_;
  Log& log_;
  const Clock& clock_;
  std::atomic<size_t> spare_threads_;
  FilesAhead ahead_;
};

}  // namespace osiris::worker
